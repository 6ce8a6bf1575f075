// Where the stages of a graph go: layers by the longest way from a source, few crossings, long edges led around.
// Pure: layout(nodes, edges, options) -> {width, height, nodes: Map id -> {x, y}, edges: [{from, to, points}]}

const SWEEPS = 8;

// The longest way from a source; edges that would close a circle are not followed.
function layersOf(ids, incoming) {
  const layer = new Map();
  const visiting = new Set();
  const visit = (id) => {
    if (layer.has(id)) return layer.get(id);
    if (visiting.has(id)) return 0;
    visiting.add(id);
    const value = Math.max(-1, ...(incoming.get(id) ?? []).map(visit)) + 1;
    visiting.delete(id);
    layer.set(id, value);
    return value;
  };
  ids.forEach(visit);
  return layer;
}

// Edges over several layers get a place in each, so that they do not run through stages.
function withBends(layers, edges, layer) {
  const chains = edges.map((edge, number) => {
    const chain = [edge.from];
    for (let at = layer.get(edge.from) + 1; at < layer.get(edge.to); ++at) {
      const id = `\u0000${number}:${at}`;
      layers[at].push(id);
      chain.push(id);
    }
    chain.push(edge.to);
    return {edge, chain};
  });
  return chains;
}

function orderLayers(layers, chains) {
  const before = new Map();
  const after = new Map();
  const add = (map, key, value) => (map.get(key) ?? map.set(key, []).get(key)).push(value);
  for (const {chain} of chains) {
    for (let i = 1; i < chain.length; ++i) {
      add(before, chain[i], chain[i - 1]);
      add(after, chain[i - 1], chain[i]);
    }
  }
  const sweep = (list, neighbours, beside) => {
    const place = new Map(beside.map((id, at) => [id, at]));
    const weight = new Map(list.map((id, at) => {
      const known = (neighbours.get(id) ?? []).map((one) => place.get(one)).filter((one) => one !== undefined);
      return [id, known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : at];
    }));
    list.sort((a, b) => weight.get(a) - weight.get(b));
  };
  for (let i = 0; i < SWEEPS; ++i) {
    if (i % 2 === 0) for (let at = 1; at < layers.length; ++at) sweep(layers[at], before, layers[at - 1]);
    else for (let at = layers.length - 2; at >= 0; --at) sweep(layers[at], after, layers[at + 1]);
  }
  return {before, after};
}

// Across the flow: near to the neighbours, never nearer to each other than a gap.
function spread(layers, {before, after}, size, gap) {
  const place = new Map();
  const wide = (id) => (id.startsWith('\u0000') ? size * 0.35 : size);
  for (const list of layers) {
    let at = 0;
    for (const id of list) {
      place.set(id, at + wide(id) / 2);
      at += wide(id) + gap;
    }
  }
  const pull = (list, neighbours) => {
    const wanted = list.map((id) => {
      const near = (neighbours.get(id) ?? []).map((one) => place.get(one));
      return near.length ? near.reduce((sum, one) => sum + one, 0) / near.length : place.get(id);
    });
    for (let i = 0; i < list.length; ++i) {
      const least = i ? place.get(list[i - 1]) + wide(list[i - 1]) / 2 + gap + wide(list[i]) / 2 : -Infinity;
      place.set(list[i], Math.max(wanted[i], least));
    }
    // What was pushed too far goes back together.
    const drift = list.reduce((sum, id, i) => sum + place.get(id) - wanted[i], 0) / Math.max(1, list.length);
    list.forEach((id) => place.set(id, place.get(id) - drift));
  };
  for (let i = 0; i < SWEEPS; ++i) {
    if (i % 2 === 0) layers.forEach((list) => pull(list, before));
    else [...layers].reverse().forEach((list) => pull(list, after));
  }
  const least = Math.min(...[...place].map(([id, at]) => at - wide(id) / 2));
  for (const [id, at] of place) place.set(id, at - least);
  return {place, extent: Math.max(0, ...[...place].map(([id, at]) => at + wide(id) / 2))};
}

export function layout(ids, edges, {width, height, down = false, layerGap = 84, gap = 26}) {
  const incoming = new Map(ids.map((id) => [id, edges.filter((edge) => edge.to === id).map((edge) => edge.from)]));
  const layer = layersOf(ids, incoming);
  const layers = Array.from({length: Math.max(0, ...layer.values()) + 1}, () => []);
  for (const id of ids) layers[layer.get(id)].push(id);
  const chains = withBends(layers, edges.filter((edge) => layer.get(edge.to) > layer.get(edge.from)), layer);
  const neighbours = orderLayers(layers, chains);
  const across = down ? width : height;
  const along = down ? height : width;
  const {place, extent} = spread(layers, neighbours, across, gap);
  const alongOf = (id) => (id.startsWith('\u0000') ? Number(id.split(':')[1]) : layer.get(id)) * (along + layerGap);
  const point = (a, b) => (down ? {x: b, y: a} : {x: a, y: b});
  const nodes = new Map(ids.map((id) => [id, point(alongOf(id), place.get(id) - across / 2)]));
  const drawn = chains.map(({edge, chain}) => ({edge, points: chain.flatMap((id, at) => {
    if (at === 0) return [point(alongOf(id) + along, place.get(id))];
    if (at === chain.length - 1) return [point(alongOf(id), place.get(id))];
    return [point(alongOf(id), place.get(id)), point(alongOf(id) + along, place.get(id))];
  })}));
  const length = layers.length * along + (layers.length - 1) * layerGap;
  return {nodes, edges: drawn, width: down ? extent : length, height: down ? length : extent};
}

// A smooth line through the points, straight where it passes a layer.
export function curve(points, down) {
  let d = `M${points[0].x},${points[0].y}`;
  for (let i = 1; i < points.length; ++i) {
    const a = points[i - 1];
    const b = points[i];
    const middle = down ? (a.y + b.y) / 2 : (a.x + b.x) / 2;
    d += down ? `C${a.x},${middle} ${b.x},${middle} ${b.x},${b.y}` : `C${middle},${a.y} ${middle},${b.y} ${b.x},${b.y}`;
  }
  return d;
}
