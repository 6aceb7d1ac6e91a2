"""What a sweep says of each metric: estimate, interval, number of paths and method in every row."""
