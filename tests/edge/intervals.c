/* Reads steps as text, the time, the targets and the forecast that is made there, and prints its highest quantile. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

static int read_all(float *values, int count)
{
    char number[64];
    int k;
    for (k = 0; k < count; k++) {
        if (scanf("%63s", number) != 1)
            return 0;
        values[k] = strtof(number, 0);
    }
    return 1;
}

int main(void)
{
    static model_state state;
    static model_intervals intervals;
    float truth[MODEL_TARGETS], forecast[MODEL_HORIZON * MODEL_TARGETS], quantile[MODEL_HORIZON * MODEL_TARGETS];
    float inputs[MODEL_INPUTS];
    long long seconds;
    int k;
    model_init(&state, 0, 0);
    model_intervals_init(&intervals);
    for (k = 0; k < MODEL_INPUTS; k++)
        inputs[k] = 0.0f;
    while (scanf("%lld", &seconds) == 1 && read_all(truth, MODEL_TARGETS) && read_all(forecast, MODEL_HORIZON * MODEL_TARGETS)) {
        model_push(&state, seconds, inputs);
        model_intervals_observe(&intervals, &state, truth);
        model_intervals_remember(&intervals, forecast);
        model_intervals_quantile(&intervals, &state, forecast, MODEL_PROBABILITIES - 1, quantile);
        for (k = 0; k < MODEL_HORIZON * MODEL_TARGETS; k++)
            printf("%.9g ", (double)quantile[k]);
        printf("\n");
    }
    return 0;
}
