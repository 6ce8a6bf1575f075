// A flame graph as boxes: the tree of calls, each as wide as its share of all samples. Pure.

export function boxesOf(root, {depthMax = 120} = {}) {
  const boxes = [];
  const whole = Math.max(1, root?.value ?? 0);
  const walk = (node, depth, from) => {
    boxes.push({node, depth, from: from / whole, share: node.value / whole});
    if (depth >= depthMax) return;
    let at = from;
    for (const child of node.children ?? []) {
      walk(child, depth + 1, at);
      at += child.value;
    }
  };
  if (root) walk(root, 0, 0);
  return boxes;
}

// The same function has the same colour wherever it stands.
export function hueOf(name) {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) | 0;
  return Math.abs(hash);
}
