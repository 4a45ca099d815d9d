/* A forecaster made by Spline-LSTM; the C file says of which run. Do not edit it: every export makes it anew. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

@SIZES@

@COLUMNS@

/* What the functions return. */
enum {
    MODEL_OK = 0,
    MODEL_TOO_FEW_STEPS = 1,  /* fewer than MODEL_STEPS_NEEDED were pushed since the start or since a gap too long */
    MODEL_NO_TARGET = 2,      /* the last step that was pushed lacks a target */
    MODEL_UNKNOWN_SERIES = 3, /* each series has a scale of its own, and this one was not trained on */
    MODEL_NOT_FINITE = 4      /* a value is infinite, so the step was not taken */
};

/* All that a series needs between its steps. Nothing else is written to, so there may be many of these. */
typedef struct {
    float rows[MODEL_STEPS_KEPT][MODEL_COLUMNS]; /* scaled, a ring */
    float codes[MODEL_CODES];                    /* of the static covariates */
    double center[MODEL_TARGETS], scale[MODEL_TARGETS];
    float held[MODEL_COLUMNS];  /* last known value of each column */
    int32_t gap[MODEL_TARGETS]; /* steps since the target was last there */
    int64_t seconds;            /* time of the last step */
    int32_t next, count;        /* where the next row goes; how many there are */
    int32_t unknown;            /* whether a static category was not trained on */
    float window[MODEL_WINDOW];
    float work[MODEL_WORK];
} model_state;

/* Start a series.
   series: its name, where MODEL_SERIES is not 0; else 0.
   categories: its category in each static covariate, where MODEL_STATICS is not 0; else 0.
   Returns MODEL_OK or MODEL_UNKNOWN_SERIES. */
int model_init(model_state *state, const char *series, const char *const *categories);

/* Add the next step. Steps follow each other without holes; a step that is missing is pushed with NAN.
   seconds: @TIME@
   values: one for each input, in its own unit; NAN where there is none.
   Short gaps in a target are filled by a straight line when it returns; a covariate without a value keeps its last.
   Returns MODEL_OK or MODEL_NOT_FINITE. */
int model_push(model_state *state, int64_t seconds, const float values[MODEL_INPUTS]);

/* Forecast the steps after the last one that was pushed, in the units of the targets.
   Returns MODEL_OK, MODEL_TOO_FEW_STEPS or MODEL_NO_TARGET. */
int model_forecast(model_state *state, float forecast[MODEL_HORIZON * MODEL_TARGETS]);

/* The network alone: a scaled window [MODEL_LOOKBACK][MODEL_FEATURES] to a scaled forecast. */
void model_run(const float *restrict window, float *restrict forecast, float *restrict work);

@INTERVALS@
#endif
