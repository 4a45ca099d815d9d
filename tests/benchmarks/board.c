/* Feeds a forecaster with the steps of inputs.h and prints the instructions of a step and of a forecast, and what was
   forecast. On a Cortex-M of QEMU, time counts instructions; elsewhere they are 0. */
#include <stdio.h>

#include "inputs.h"

#ifdef __arm__
#define SYSTICK ((volatile uint32_t *)0xE000E010) /* control, reload, value */
#define COPROCESSORS (*(volatile uint32_t *)0xE000ED88)
#define INSTRUCTIONS_PER_TICK 40 /* 25 MHz, and an instruction takes a nanosecond */

extern void _start(void);

static void reset(void)
{
    COPROCESSORS |= 0xFu << 20; /* the floating point unit */
    SYSTICK[1] = 0xFFFFFF;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5; /* the clock of the processor, without interrupts */
    _start();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[2])(void) = {(void (*)(void))0x20400000, reset};

static uint32_t ticks(void)
{
    return SYSTICK[2]; /* it counts down from 24 bits */
}
#else
#define INSTRUCTIONS_PER_TICK 0

static uint32_t ticks(void)
{
    return 0;
}
#endif

static unsigned long instructions_since(uint32_t start)
{
    return ((start - ticks()) & 0xFFFFFF) * INSTRUCTIONS_PER_TICK;
}

static model_state state;

int main(void)
{
    static float forecast[MODEL_HORIZON * MODEL_TARGETS];
    unsigned long pushed = 0, forecasted;
    uint32_t start;
    int row, k, found = model_init(&state, series, categories);
    for (row = 0; row < MODEL_STEPS_KEPT; row++) {
        start = ticks();
        found |= model_push(&state, 1700000000 + (int64_t)row * STEP_SECONDS, inputs[row]);
        pushed = instructions_since(start);
    }
    start = ticks();
    found |= model_forecast(&state, forecast);
    forecasted = instructions_since(start);
    printf("%d %lu %lu", found, pushed, forecasted);
    for (k = 0; k < MODEL_HORIZON * MODEL_TARGETS; k++)
        printf(" %.9g", (double)forecast[k]);
    printf("\n");
    return 0;
}
