// A client that is written from docs/how-to/device.md alone: builds the scaled window of a series from contract.json, and
// brings outputs of the network into the units of the targets. Reads {contract, steps: [{seconds, values}], statics,
// series, outputs} from stdin; `values` maps a column to its value or null.
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const { contract, steps, statics, series } = given;
const targets = contract.target_indices.map((index) => contract.feature_order[index]);
const origin = given.origin;

const day = 86400;
const shares = {
  minute: (t) => (t % 3600) / 3600,
  hour: (t) => (t % day) / day,
  dow: (t) => ((new Date(t * 1000).getUTCDay() + 6) % 7) / 7,
  month: (t) => new Date(t * 1000).getUTCMonth() / 12,
  year: (t) => (t - Date.UTC(new Date(t * 1000).getUTCFullYear(), 0, 1) / 1000) / day / 365.2425,
};

function calendar(name, t) {
  if (name === "is_weekend") return [0, 6].includes(new Date(t * 1000).getUTCDay()) ? 1 : 0;
  const [share, wave] = name.split("_");
  const angle = 2 * Math.PI * shares[share](t);
  return wave === "sin" ? Math.sin(angle) : Math.cos(angle);
}

// The last known value at a step; null before the first.
function known(column, at) {
  for (let step = at; step >= 0; step--) if (steps[step].values[column] !== null) return steps[step].values[column];
  return null;
}

function scaled(feature, value) {
  const target = targets.find((name) => feature === name || feature.startsWith(`${name}_lag`));
  if (target !== undefined && contract.series_scalers[target]) {
    const [center, scale] = contract.series_scalers[target][series];
    return (value - center) / scale;
  }
  const state = contract.scalers[feature];
  if (state && state.categories) return (state.categories.indexOf(value) + 1) / state.categories.length;
  return state && state.center !== undefined ? (value - state.center) / state.scale : value;
}

function cell(feature, age) {
  for (const [name, columns] of Object.entries(contract.static_columns)) {
    const place = columns.indexOf(feature);
    if (place >= 0) return (contract.static_codes[name][statics[name]] || columns.map(() => 0))[place];
  }
  const step = Math.max(origin - age, 0); // the first step stands for those before it
  const lag = feature.match(/^(.*)_lag(\d+)$/);
  if (lag && targets.includes(lag[1])) return scaled(feature, known(lag[1], step + contract.horizon - Number(lag[2])));
  const lead = feature.match(/^(.*)_lead(\d+)$/);
  const [name, ahead] = lead ? [lead[1], Number(lead[2])] : [feature, 0];
  if (/^((minute|hour|dow|month|year)_(sin|cos)|is_weekend)$/.test(name) && !(feature in contract.scalers))
    return calendar(name, steps[step].seconds + ahead * contract.step_seconds);
  const value = known(name, step + ahead);
  return value === null ? 0 : scaled(feature, value);
}

function unscaled(output, place) {
  const k = place % targets.length;
  const isUnknown = Object.entries(contract.static_codes).some(([name, codes]) => !(statics[name] in codes));
  const [low, high] = isUnknown ? contract.target_range[k] : [-Infinity, Infinity];
  const own = contract.series_scalers[targets[k]];
  const { center, scale } = contract.scalers[targets[k]];
  const [shift, factor] = own ? own[series] : [center, scale];
  return Math.min(Math.max(output, low), high) * factor + shift;
}

const rows = [...Array(contract.lookback).keys()];
const window = rows.map((row) => contract.feature_order.map((name) => cell(name, contract.ages[name][row])));
console.log(JSON.stringify({ window, forecast: given.outputs.map(unscaled) }));
