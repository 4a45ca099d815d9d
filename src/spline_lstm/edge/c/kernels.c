/* y[out] = bias + scale[out] * x[in] * kernel[in][out], four inputs at a time: the loop over outputs vectorises without
   reordering. Without a scale it is 1. */
static void dense(const weight *restrict kernel, const float *restrict scale, const float *restrict bias,
                  const float *restrict x, float *restrict y, int in, int out)
{
    const int fours = in - in % 4;
    int i, o;
    for (o = 0; o < out; o++)
        y[o] = bias && !scale ? bias[o] : 0.0f;
    for (i = 0; i < fours; i += 4) {
        const weight *restrict k = kernel + i * out;
        const float a = x[i], b = x[i + 1], c = x[i + 2], d = x[i + 3];
        for (o = 0; o < out; o++)
            y[o] += (a * full(k[o]) + b * full(k[out + o])) + (c * full(k[2 * out + o]) + d * full(k[3 * out + o]));
    }
    for (i = fours; i < in; i++)
        for (o = 0; o < out; o++)
            y[o] += x[i] * full(kernel[i * out + o]);
    if (scale)
        for (o = 0; o < out; o++)
            y[o] = y[o] * scale[o] + (bias ? bias[o] : 0.0f);
}

/* A rational approximation, fitted to |x| <= 9; its largest error is 4e-7. Each value is computed alike, so that the
   loop vectorises; the library's tanhf would be called for one value at a time. */
static void tanh_all(float *v, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        const float low = v[i] < -9.0f ? -9.0f : v[i];
        const float x = low > 9.0f ? 9.0f : low;
        const float u = x * x;
        const float p = 0.999999941f + u * (0.129192317f + u * (0.00292076541f + u * (9.26745391e-06f
                      + u * (-1.27805389e-08f + u * 1.82554894e-11f))));
        const float q = 1.0f + u * (0.462525156f + u * (0.0237631832f + u * 0.000228100697f));
        v[i] = x * p / q;
    }
}

static void sigmoid_all(float *v, int n)
{
    int i;
    for (i = 0; i < n; i++)
        v[i] = 0.5f * v[i];
    tanh_all(v, n);
    for (i = 0; i < n; i++)
        v[i] = 0.5f + 0.5f * v[i];
}

static void relu_all(float *v, int n)
{
    int i;
    for (i = 0; i < n; i++)
        v[i] = v[i] > 0.0f ? v[i] : 0.0f;
}

/* Softmax over the rows of v[rows][columns]. */
static void softmax_rows(float *v, int rows, int columns)
{
    int r, c;
    for (c = 0; c < columns; c++) {
        float most = v[c], sum = 0.0f;
        for (r = 1; r < rows; r++)
            most = v[r * columns + c] > most ? v[r * columns + c] : most;
        for (r = 0; r < rows; r++)
            sum += v[r * columns + c] = expf(v[r * columns + c] - most);
        for (r = 0; r < rows; r++)
            v[r * columns + c] /= sum;
    }
}

/* One step of a GRU whose reset gate is applied after the product; the gates stand as z, r, h. `scratch` takes 6 units. */
static void gru_step(const weight *const *kernels, const float *const *vectors, const float *restrict x,
                     const float *before, float *after, float *restrict scratch, int in, int units)
{
    float *restrict of_x = scratch, *restrict of_h = scratch + 3 * units;
    int u;
    dense(kernels[0], vectors[0], vectors[2], x, of_x, in, 3 * units);
    dense(kernels[1], vectors[1], vectors[3], before, of_h, units, 3 * units);
    for (u = 0; u < 2 * units; u++)
        of_x[u] += of_h[u];
    sigmoid_all(of_x, 2 * units);
    for (u = 0; u < units; u++)
        of_x[2 * units + u] += of_x[units + u] * of_h[2 * units + u];
    tanh_all(of_x + 2 * units, units);
    for (u = 0; u < units; u++)
        after[u] = of_x[2 * units + u] + of_x[u] * (before[u] - of_x[2 * units + u]);
}

/* One step of an LSTM; the gates stand as i, f, c, o. `scratch` takes 9 units, the last of them the cell state. */
static void lstm_step(const weight *const *kernels, const float *const *vectors, const float *restrict x,
                      const float *before, float *after, float *restrict scratch, int in, int units)
{
    float *restrict gates = scratch, *restrict of_h = scratch + 4 * units, *restrict cell = scratch + 8 * units;
    int u;
    dense(kernels[0], vectors[0], vectors[2], x, gates, in, 4 * units);
    dense(kernels[1], vectors[1], 0, before, of_h, units, 4 * units);
    for (u = 0; u < 4 * units; u++)
        gates[u] += of_h[u];
    sigmoid_all(gates, 2 * units);
    tanh_all(gates + 2 * units, units);
    sigmoid_all(gates + 3 * units, units);
    for (u = 0; u < units; u++)
        of_h[u] = cell[u] = gates[units + u] * cell[u] + gates[u] * gates[2 * units + u];
    tanh_all(of_h, units);
    for (u = 0; u < units; u++)
        after[u] = gates[3 * units + u] * of_h[u];
}

/* Days since 1970-01-01 to the month (0 to 11) and, if asked for, to the first day of the year. H. Hinnant, "chrono-compatible low-level
   date algorithms", 2013. */
static int month_of(int64_t days, int64_t *new_year)
{
    const int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t doe = z - era * 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    const int64_t month = mp < 10 ? mp + 2 : mp - 10, year = yoe + era * 400 + (month < 2) - 1;
    if (new_year)
        *new_year = year * 365 + year / 4 - year / 100 + year / 400 - 719162;
    return (int)month;
}
