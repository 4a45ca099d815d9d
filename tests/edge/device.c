/* A device: reads the series, its categories and its steps as text and prints what each call returns. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

int main(void)
{
    static model_state state;
    static char series[64], labels[MODEL_STATICS + 1][64], number[64];
    const char *categories[MODEL_STATICS + 1];
    float values[MODEL_INPUTS], forecast[MODEL_HORIZON * MODEL_TARGETS];
    long long seconds;
    int k, found;
    if (scanf("%63s", series) != 1)
        return 1;
    for (k = 0; k < MODEL_STATICS; k++) {
        if (scanf("%63s", labels[k]) != 1)
            return 1;
        categories[k] = labels[k];
    }
    printf("init %d\n", model_init(&state, series, categories));
    while (scanf("%lld", &seconds) == 1) {
        for (k = 0; k < MODEL_INPUTS; k++) {
            if (scanf("%63s", number) != 1)
                return 1;
            values[k] = strtof(number, 0);
        }
        if ((found = model_push(&state, seconds, values)) != MODEL_OK)
            printf("push %d\n", found);
    }
    found = model_forecast(&state, forecast);
    printf("forecast %d", found);
    for (k = 0; found == MODEL_OK && k < MODEL_HORIZON * MODEL_TARGETS; k++)
        printf(" %.9g", (double)forecast[k]);
    printf("\n");
    return 0;
}
