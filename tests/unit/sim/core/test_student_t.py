import numpy as np
import pytest
from scipy import stats

from sim.core import student_t

DEGREES = [1, 2, 3, 4, 5, 8, 30, 99, 100]
of_all_degrees = pytest.mark.parametrize("nu", DEGREES)


@of_all_degrees
def test_the_tail_keeps_its_relative_accuracy(nu):
    t = np.concatenate((np.linspace(0, 12, 2_001), 10.0 ** np.linspace(1.0, 5.0, 100)))
    exact = stats.t.sf(t, nu)
    known = exact > 1e-290
    assert np.abs(student_t.tail(t, nu)[known] / exact[known] - 1).max() < 1e-11
    assert student_t.tail(np.array([0.0]), nu)[0] == 0.5


@of_all_degrees
def test_the_quantile_is_the_inverse_of_the_tail(nu):
    p = np.concatenate((10.0 ** np.linspace(-30, -0.31, 1_000), np.linspace(0.3, 0.5, 101)))
    t = student_t.upper_quantile(p, nu)
    assert np.abs(student_t.tail(t, nu) / p - 1).max() < 1e-11
    assert (np.diff(t[:1_000]) < 0).all()
    assert t[-1] == 0.0


@of_all_degrees
def test_the_density_is_the_slope_of_the_tail(nu):
    t = np.linspace(0, 20, 200)
    assert np.allclose(student_t.density(t, nu), stats.t.pdf(t, nu), rtol=1e-11, atol=0)


@of_all_degrees
def test_normals_and_student_variables_are_the_same_probabilities_on_both_sides(nu):
    z = np.array([-8.2, -3.0, -1e-9, 0.0, 1e-9, 0.5, 3.0, 8.2])
    x = student_t.student_of(z, nu)
    assert np.allclose(student_t.normal_of(x, nu), z, rtol=1e-9, atol=1e-15)
    assert np.array_equal(x[[0, 1, 2]], -x[[7, 6, 4]])


def test_nothing_is_infinite_at_what_a_copula_can_draw():
    """A normal of 8.2 over the root of the least chi-squared variable that uniforms of 2**-53 give."""
    for nu, largest in ((1, 1e17), (2, 1e9), (4, 1e6)):
        assert np.isfinite(student_t.normal_of(np.array([-largest, largest]), nu)).all()


@pytest.mark.parametrize("nu", [3, 8])
def test_each_value_depends_on_no_other_in_its_array(nu):
    z = np.random.default_rng(1).normal(size=10_000)
    whole = student_t.student_of(z, nu)
    assert np.array_equal(whole[5_000:5_100], student_t.student_of(z[5_000:5_100], nu))
    assert np.array_equal(whole[:1], student_t.student_of(z[:1], nu))
    assert np.array_equal(student_t.normal_of(whole, nu)[9_000:], student_t.normal_of(whole[9_000:], nu))
