@NOTICE@
#include "@HEADER@"

#include <math.h>

typedef @WEIGHT@ weight;

@FULL@
@CONSTANTS@

@KERNELS@
void model_run(const float *restrict window, float *restrict forecast, float *restrict work)
{
@NETWORK@
}

@TEXTS@int model_init(model_state *state, const char *series, const char *const *categories)
{
    int k;
    state->seconds = state->next = state->count = state->unknown = 0;
    for (k = 0; k < MODEL_COLUMNS; k++)
        state->held[k] = 0.0f;
    for (k = 0; k < MODEL_CODES; k++)
        state->codes[k] = 0.0f;
    for (k = 0; k < MODEL_TARGETS; k++) {
        state->gap[k] = 0;
        state->center[k] = input_scaling[k][0];
        state->scale[k] = input_scaling[k][1];
    }
@INIT@
}

/* Fill the last steps of a target by a straight line up to its new value. */
static void fill_gap(model_state *state, int target, float value)
{
    const int32_t gap = state->gap[target];
    const float step = (value - state->held[target]) / (float)(gap + 1);
    int32_t back;
    for (back = 1; back <= gap && back <= state->count; back++) {
        const int32_t row = (state->next + MODEL_STEPS_KEPT - back) % MODEL_STEPS_KEPT;
        state->rows[row][target] = value - step * (float)back;
    }
    state->gap[target] = 0;
}

int model_push(model_state *state, int64_t seconds, const float values[MODEL_INPUTS])
{
    float *row = state->rows[state->next];
    int k, missing = 0, lost = 0;
    for (k = 0; k < MODEL_INPUTS; k++)
        if (isinf(values[k]))
            return MODEL_NOT_FINITE;
    state->seconds = seconds;
    for (k = 0; k < MODEL_INPUTS; k++) {
        const double center = k < MODEL_TARGETS ? state->center[k] : input_scaling[k][0];
        const double scale = k < MODEL_TARGETS ? state->scale[k] : input_scaling[k][1];
        row[k] = isnan(values[k]) ? state->held[k] : (float)(((double)values[k] - center) / scale);
    }
    for (k = 0; k < MODEL_TARGETS; k++) {
        if (isnan(values[k])) {
            missing = 1;
            lost |= ++state->gap[k] > MODEL_MAX_GAP;
        } else if (state->gap[k]) {
            fill_gap(state, k, row[k]);
        }
    }
@CALENDAR@
    for (k = 0; k < MODEL_INPUTS; k++)
        state->held[k] = row[k];
    if (lost || (missing && !state->count)) { /* the history starts anew, with a step that has all targets */
        state->count = 0;
        for (k = 0; k < MODEL_TARGETS; k++)
            state->gap[k] = 0;
        return MODEL_OK;
    }
    state->next = (state->next + 1) % MODEL_STEPS_KEPT;
    state->count += state->count < MODEL_STEPS_KEPT;
    return MODEL_OK;
}

int model_forecast(model_state *state, float forecast[MODEL_HORIZON * MODEL_TARGETS])
{
    int f, l, k;
    if (state->count < MODEL_STEPS_NEEDED)
        return MODEL_TOO_FEW_STEPS;
    for (k = 0; k < MODEL_TARGETS; k++)
        if (state->gap[k])
            return MODEL_NO_TARGET;
    for (f = 0; f < MODEL_FEATURES; f++) {
        for (l = 0; l < MODEL_LOOKBACK; l++) {
            int32_t back = ages[features[f].ages][l] + features[f].behind;
            back = back < state->count ? back : state->count - 1;
            state->window[l * MODEL_FEATURES + f] =
                features[f].column < 0
                    ? state->codes[-1 - features[f].column]
                    : state->rows[(state->next + MODEL_STEPS_KEPT - 1 - back) % MODEL_STEPS_KEPT][features[f].column];
        }
    }
    model_run(state->window, forecast, state->work);
    for (l = 0; l < MODEL_HORIZON; l++) {
        for (k = 0; k < MODEL_TARGETS; k++) {
            float *value = forecast + l * MODEL_TARGETS + k;
@CLAMP@
            *value = (float)(*value * state->scale[k] + state->center[k]);
        }
    }
    return MODEL_OK;
}
@FOLLOWING@