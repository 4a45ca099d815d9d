/* The running errors of one series, and its forecasts whose truth is not known yet. Intervals follow the errors: a
   quantile is the forecast plus a multiple of the running error of its step. */
typedef struct {
    float mean[MODEL_HORIZON * MODEL_TARGETS]; /* absolute, scaled */
    int32_t count[MODEL_HORIZON * MODEL_TARGETS];
    float made[MODEL_HORIZON][MODEL_HORIZON * MODEL_TARGETS]; /* the last forecasts, a ring */
    int32_t next;
} model_intervals;

/* Probabilities of the quantiles, ascending. */
extern const float model_probabilities[MODEL_PROBABILITIES];

/* Begin with what the run knew of its errors. */
void model_intervals_init(model_intervals *intervals);

/* After model_push: take in the targets of that step, NAN where there is none. */
void model_intervals_observe(model_intervals *intervals, const model_state *state, const float truth[MODEL_TARGETS]);

/* After model_forecast: keep the forecast, to compare it with what comes. */
void model_intervals_remember(model_intervals *intervals, const float forecast[MODEL_HORIZON * MODEL_TARGETS]);

/* The quantile of a forecast whose probability is model_probabilities[place], in the units of the targets; infinite where
   the run had too few errors. */
void model_intervals_quantile(const model_intervals *intervals, const model_state *state,
                              const float forecast[MODEL_HORIZON * MODEL_TARGETS], int place,
                              float quantile[MODEL_HORIZON * MODEL_TARGETS]);
