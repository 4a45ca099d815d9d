
void model_intervals_init(model_intervals *intervals)
{
    int k, s;
    for (k = 0; k < MODEL_HORIZON * MODEL_TARGETS; k++) {
        intervals->mean[k] = start_mean[k];
        intervals->count[k] = start_count[k];
        for (s = 0; s < MODEL_HORIZON; s++)
            intervals->made[s][k] = NAN;
    }
    intervals->next = 0;
}

/* How large the errors of a target usually are so many steps after the last one, relative to their mean. */
static float usual_error(const model_state *state, int ahead, int target)
{
    const int64_t cycle = (int64_t)PART_SECONDS * CYCLE_PARTS;
    const int64_t seconds = (state->seconds + (int64_t)(ahead * (double)STEP_SECONDS)) % cycle;
    return usual_errors[(seconds + cycle) % cycle / PART_SECONDS][target];
}

void model_intervals_observe(model_intervals *intervals, const model_state *state, const float truth[MODEL_TARGETS])
{
    int k, step;
    for (step = 0; step < MODEL_HORIZON; step++) {
        const float *made = intervals->made[(intervals->next + MODEL_HORIZON - 1 - step) % MODEL_HORIZON];
        for (k = 0; k < MODEL_TARGETS; k++) {
            const int at = step * MODEL_TARGETS + k;
            const float error = (float)(fabs((double)truth[k] - made[at]) / state->scale[k] / usual_error(state, 0, k));
            float weight;
            if (isnan(error) || LEAST_WEIGHT == 0.0f)
                continue;
            weight = 1.0f / (float)++intervals->count[at];
            weight = weight > LEAST_WEIGHT ? weight : LEAST_WEIGHT;
            intervals->mean[at] += weight * (error - intervals->mean[at]);
        }
    }
    for (k = 0; k < MODEL_HORIZON * MODEL_TARGETS; k++)
        intervals->made[intervals->next][k] = NAN;
    intervals->next = (intervals->next + 1) % MODEL_HORIZON;
}

void model_intervals_remember(model_intervals *intervals, const float forecast[MODEL_HORIZON * MODEL_TARGETS])
{
    float *made = intervals->made[(intervals->next + MODEL_HORIZON - 1) % MODEL_HORIZON];
    int k;
    for (k = 0; k < MODEL_HORIZON * MODEL_TARGETS; k++)
        made[k] = forecast[k];
}

void model_intervals_quantile(const model_intervals *intervals, const model_state *state,
                              const float forecast[MODEL_HORIZON * MODEL_TARGETS], int place,
                              float quantile[MODEL_HORIZON * MODEL_TARGETS])
{
    int at;
    for (at = 0; at < MODEL_HORIZON * MODEL_TARGETS; at++) {
        const int k = at % MODEL_TARGETS;
        const float least = 1e-3f * pooled_errors[at];
        const float error = intervals->mean[at] > least ? intervals->mean[at] : least;
        const double usual = usual_error(state, at / MODEL_TARGETS + 1, k);
        quantile[at] = (float)(forecast[at] + multiples[place][at] * usual * error * state->scale[k]);
        if (is_nonnegative[k] && quantile[at] < 0.0f)
            quantile[at] = 0.0f;
    }
}
