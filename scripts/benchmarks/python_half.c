/* Kernels of scripts/prototype_python_half.py: what the block loop does to every account, one pass each.
 * The order of operations is numpy's in sim/protocol/mirror.py, sim/agents/trader_cohort.py and
 * sim/core/portable_math.py, so that results are the same to the bit (compile with -ffp-contract=off). */
#include <math.h>
#include <stdint.h>

static const double TERMS[13] = {
    1.0 / 87178291200.0, 1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
    1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0,
};

static double portable_exp(double x)
{
    if (x > 709.782712893384) return INFINITY;
    if (x < -745.2) return 0.0;
    double k = rint(x * 0x1.71547652b82fep+0);
    double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    double total = r * TERMS[0] + TERMS[1];
    for (int i = 2; i < 13; i++) {
        total *= r;
        total += TERMS[i];
    }
    return ldexp(1.0 + (r + (r * r) * total), (int)k);
}

/* AccountMirror.value of one market. */
void value(int64_t n, const double *size, const double *entry, const double *paid, const double *entry_ratio,
           const double *collateral, double price, double index, double ramp, int64_t points,
           const double *grid, const double *initial_ratios, const double *maintenance_ratios, double *equity,
           double *notional, double *initial, double *maintenance, double *ratios)
{
    for (int64_t i = 0; i < n; i++) {
        double funding = size[i] * (index - paid[i]);
        double held = fabs(size[i]) * price;
        equity[i] = collateral[i] + (size[i] * price - entry[i] - funding);
        int64_t at = 0;
        while (at < points - 1 && grid[at] < held) at++;
        double target = maintenance_ratios[at];
        double ratio = fmin(target, fmax(ramp * target, entry_ratio[i]));
        ratios[i] = size[i] != 0.0 ? ratio : 0.0;
        notional[i] = held;
        maintenance[i] = held * ratio;
        initial[i] = held * initial_ratios[at];
    }
}

/* Rows of TraderCohort.decide under pressure, and TraderCohort._chance of each; returns how many. */
int64_t pressed(int64_t n, const double *equity, const double *maintenance, const double *notional,
                const uint8_t *attentive, const uint8_t *automated, const int64_t *silent_until, int64_t block,
                double trigger, double hourly, double weight, double floor_distance, double intercept,
                double gas_term, double delay, double seconds, int64_t *rows, double *chance)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(equity[i] < trigger * maintenance[i]) || !attentive[i]) continue;
        if (!(maintenance[i] > 0.0) || silent_until[i] > block) continue;
        double distance = (equity[i] - maintenance[i]) / (fmax(notional[i], 1e-9) * hourly);
        double pressure = weight / fmax(distance, floor_distance);
        double rate = 1.0 / (1.0 + portable_exp(-(intercept + pressure - gas_term))) / delay;
        rows[count] = i;
        chance[count++] = automated[i] ? 1.0 : 1.0 - portable_exp(-rate * seconds);
    }
    return count;
}

/* Tables of sim/core/portable_math.py, to the bit. */
static const double LOG_TERMS[11] = {
    0x1.642c8590b2164p-4, 0x1.8618618618618p-4, 0x1.af286bca1af28p-4, 0x1.e1e1e1e1e1e1ep-4,
    0x1.1111111111111p-3, 0x1.3b13b13b13b14p-3, 0x1.745d1745d1746p-3, 0x1.c71c71c71c71cp-3,
    0x1.2492492492492p-2, 0x1.999999999999ap-2, 0x1.5555555555555p-1,
};
static const double CENTRE_NUM[8] = {
    0x1.39a296f7d925ep+11, 0x1.052d26b2e45e4p+15, 0x1.06c1c55b78f20p+16, 0x1.66c3e869b752ap+15,
    0x1.ad1d8cd4ee71dp+13, 0x1.ece5d2213c0ccp+10, 0x1.0a4888b1a436ep+7, 0x1.b18d91e9eef75p+1,
};
static const double CENTRE_DEN[8] = {
    0x1.46a7eca984b69p+12, 0x1.c0e457cb1ae76p+14, 0x1.3317caa64f4bep+15, 0x1.4b772d5d65266p+14,
    0x1.512322e75c89fp+12, 0x1.5797efdc8b3f7p+9, 0x1.5281b386e1ab5p+5, 0x1.0000000000000p+0,
};
static const double TAIL_NUM[8] = {
    0x1.9615ac0b7ace9p-11, 0x1.744eb6c45ec67p-6, 0x1.ef2abb9b85c37p-3, 0x1.453cc085375b2p+0,
    0x1.d2ecb1a3d02c4p+1, 0x1.713f71462256ap+2, 0x1.2857748cab19bp+2, 0x1.6c665fde9526ap+0,
};
static const double TAIL_DEN[8] = {
    0x1.20d3f686439e4p-30, 0x1.1f18cbfdf2728p-11, 0x1.f207a7eab17bfp-7, 0x1.2f5123394f040p-3,
    0x1.61292f23385c9p-1, 0x1.ad278e6526633p+0, 0x1.06cefbb46a449p+1, 0x1.0000000000000p+0,
};
static const double FAR_NUM[8] = {
    0x1.afb74d693bf93p-23, 0x1.c6ec6cc59e02ap-16, 0x1.45c1908425345p-10, 0x1.b2b41193b4ee7p-6,
    0x1.2fad9315255cfp-2, 0x1.c8ea6461fa445p+0, 0x1.5daea6e875003p+2, 0x1.aa1b1c13ee526p+2,
};
static const double FAR_DEN[8] = {
    0x1.269bff1f8c190p-49, 0x1.31446f740b9e0p-23, 0x1.35c2c496374bfp-16, 0x1.9c8bc979dc5d7p-11,
    0x1.e76f93215462ap-7, 0x1.186eb183443fbp-3, 0x1.331d34fc7d77fp-1, 0x1.0000000000000p+0,
};

static double horner(const double *terms, int count, double x)
{
    double total = x * terms[0] + terms[1];
    for (int i = 2; i < count; i++) {
        total *= x;
        total += terms[i];
    }
    return total;
}

static double portable_log(double x)
{
    int power;
    double mantissa = frexp(x, &power);
    if (mantissa < 0x1.6a09e667f3bcdp-1) {
        mantissa += mantissa;
        power--;
    }
    double k = (double)power, f = mantissa - 1.0, s = f / (f + 2.0), z = s * s, half = (f * f) * 0.5;
    double series = z * horner(LOG_TERMS, 11, z);
    return k * 0x1.62e42fee00000p-1 - ((half - (s * (half + series) + k * 0x1.a39ef35793c76p-33)) - f);
}

/* Draw.normal of sim/core/rng.py: words as standard normals by inversion. */
void normals(int64_t n, const uint64_t *words, double *out)
{
    for (int64_t i = 0; i < n; i++) {
        double p = ((double)(words[i] >> 12) + 0.5) * 0x1p-52, q = p - 0.5;
        if (fabs(q) <= 0.425) {
            double r = 0.180625 - q * q;
            out[i] = q * horner(CENTRE_NUM, 8, r) / horner(CENTRE_DEN, 8, r);
            continue;
        }
        double depth = sqrt(-portable_log(p < 0.5 ? p : 1.0 - p)), r = depth - (depth > 5.0 ? 5.0 : 1.6);
        double value = depth > 5.0 ? horner(FAR_NUM, 8, r) / horner(FAR_DEN, 8, r)
                                   : horner(TAIL_NUM, 8, r) / horner(TAIL_DEN, 8, r);
        out[i] = p < 0.5 ? -value : value;
    }
}
