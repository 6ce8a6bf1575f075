#include "supervisor/profile/flame_svg.h"

#include <algorithm>
#include <cstdio>

namespace stream::profile {
namespace {

constexpr double kWidth = 1200;
constexpr double kMargin = 10;
constexpr double kRow = 18;
constexpr double kTop = 64;      // for title, subtitle and buttons
constexpr double kBottom = 30;   // for what is pointed at
constexpr double kLetter = 6.7;  // width, of the font below
constexpr double kNarrowest = 0.25;

// Colours are by what a function is: ours, of another library, or of the C world.
constexpr std::string_view kStyle = R"(<style>
  svg { background: #fff; font: 12px ui-monospace, "DejaVu Sans Mono", monospace; }
  text { fill: #1b1b1b; } .title { font-size: 17px; } .sub { fill: #555; } .button { fill: #0a58ca; cursor: pointer; }
  rect { stroke: #fff; stroke-width: .5; } g.f { cursor: pointer; } g.f text { pointer-events: none; fill: #1b1b1b; }
  g.f:hover rect, g.f:focus rect { stroke: #000; stroke-width: 1; } g.f:focus { outline: none; }
  .below { opacity: .45; } .gone { display: none; } .hit rect { fill: #b388ff !important; }
  @media (prefers-color-scheme: dark) {
    svg { background: #16181c; } text { fill: #e8e8e8; } .sub { fill: #a5a5a5; } .button { fill: #7db3ff; } rect { stroke: #16181c; }
    g.f:hover rect, g.f:focus rect { stroke: #fff; }
  }
</style>
)";

constexpr std::string_view kScript = R"(<script><![CDATA[
'use strict';
(() => {
  const svg = document.documentElement, frames = [...svg.querySelectorAll('g.f')];
  const say = svg.getElementById('say'), reset = svg.getElementById('reset'), search = svg.getElementById('search');
  const margin = 10, width = 1180, letter = 6.7;
  const data = frames.map(g => ({ g, x: +g.dataset.x, w: +g.dataset.w, d: +g.dataset.d, name: g.dataset.n,
    rect: g.querySelector('rect'), text: g.querySelector('text'), told: g.querySelector('title').textContent }));
  const fit = (name, room) => { const n = Math.floor((room - 6) / letter); const all = [...name];
    return n < 3 ? '' : all.length <= n ? name : all.slice(0, n - 1).join('') + '…'; };
  const zoom = to => {
    for (const f of data) {
      const above = f.d >= to.d && f.x >= to.x - 1e-9 && f.x + f.w <= to.x + to.w + 1e-9;
      const below = f.d < to.d && f.x <= to.x + 1e-9 && f.x + f.w >= to.x + to.w - 1e-9;
      f.g.classList.toggle('gone', !above && !below);
      f.g.classList.toggle('below', below);
      if (!above && !below) continue;
      const x = below ? margin : margin + (f.x - to.x) / to.w * width, w = below ? width : f.w / to.w * width;
      f.rect.setAttribute('x', x); f.rect.setAttribute('width', Math.max(w, .3));
      f.text.setAttribute('x', x + 3); f.text.textContent = fit(f.name, w);
    }
    reset.classList.toggle('gone', to === data[0]);
  };
  const find = word => {
    let pattern = null;
    try { pattern = word ? new RegExp(word, 'i') : null; } catch (error) { say.textContent = error.message; return; }
    let share = 0, until = -1;
    for (const f of data) {
      const hit = pattern !== null && pattern.test(f.name);
      f.g.classList.toggle('hit', hit);
    }
    for (const f of data.filter(f => f.g.classList.contains('hit')).sort((a, b) => a.x - b.x || b.w - a.w)) {
      const end = f.x + f.w;
      if (end > until) { share += end - Math.max(f.x, until); until = end; }
    }
    say.textContent = pattern ? (share * 100).toFixed(1) + '% in what matches ' + word : '';
  };
  for (const f of data) {
    f.g.addEventListener('click', () => zoom(f));
    f.g.addEventListener('mouseover', () => { say.textContent = f.told; });
    f.g.addEventListener('focus', () => { say.textContent = f.told; });
  }
  const ask = () => { const word = prompt('Search for (a regular expression; nothing ends the search)'); if (word !== null) find(word); };
  reset.addEventListener('click', () => zoom(data[0]));
  search.addEventListener('click', ask);
  window.addEventListener('keydown', event => {
    if (event.key === '/' || (event.key === 'f' && (event.ctrlKey || event.metaKey))) { event.preventDefault(); ask(); }
    if (event.key === 'Escape') zoom(data[0]);
    if (event.key === 'Enter' && document.activeElement?.classList?.contains('f')) zoom(data[frames.indexOf(document.activeElement)]);
  });
})();
]]></script>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

// As the script does when it enlarges: names are cut between characters.
std::string fitting(const std::string& name, double room) {
  const auto letters = static_cast<std::size_t>(std::max(0.0, (room - 6) / kLetter));
  if (letters < 3) return "";
  std::size_t count = 0;
  std::size_t cut = 0;  // where the last letter that must go begins
  for (std::size_t i = 0; i < name.size(); ++i) {
    if ((static_cast<unsigned char>(name[i]) & 0xc0) == 0x80) continue;
    if (++count == letters) cut = i;
  }
  return count <= letters ? name : name.substr(0, cut) + "…";
}

std::string colour_of(const std::string& name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  const unsigned shade = hash % 20;
  unsigned hue = 44 - shade;                                    // the C world, and what has no name: yellow
  if (name.find("::") != std::string::npos) hue = 185 + shade;  // other libraries: blue
  if (name.starts_with("stream::")) hue = 8 + shade;            // ours: red
  return "hsl(" + std::to_string(hue) + ",75%," + std::to_string(62 + hash / 20 % 12) + "%)";
}

class Drawing {
 public:
  Drawing(const CallNode& root, double bottom) : total_(static_cast<double>(root.value)), bottom_(bottom) {}

  void draw(const CallNode& node, const std::string& name, double begin, std::size_t depth) {
    const double share = static_cast<double>(node.value) / total_;
    const double inner = kWidth - 2 * kMargin;
    if (share * inner < kNarrowest) return;
    frame(node, name, begin, share, depth);
    std::vector<const CallNode*> children;
    for (const CallNode& child : node.children) children.push_back(&child);
    std::ranges::sort(children, {}, &CallNode::name);
    for (const CallNode* child : children) {
      draw(*child, child->name, begin, depth + 1);
      begin += static_cast<double>(child->value) / total_;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void frame(const CallNode& node, const std::string& name, double begin, double share, std::size_t depth) {
    const double inner = kWidth - 2 * kMargin;
    const double x = kMargin + begin * inner;
    const double y = bottom_ - static_cast<double>(depth + 1) * kRow;
    const std::string shown = escaped(name);
    char place[64];
    std::snprintf(place, sizeof place, "data-x=\"%.9f\" data-w=\"%.9f\"", begin, share);
    out_ += "<g class=\"f\" tabindex=\"-1\" " + std::string(place) + " data-d=\"" + std::to_string(depth) +
            "\" data-n=\"" + shown + "\"><title>" + shown + " — " + std::to_string(node.value) +
            (node.value == 1 ? " sample, " : " samples, ") + number(share * 100) + "%</title><rect x=\"" + number(x) +
            "\" y=\"" + number(y) + "\" width=\"" + number(share * inner) + "\" height=\"" + number(kRow - 1) +
            "\" rx=\"1.5\" fill=\"" + colour_of(name) + "\"/><text x=\"" + number(x + 3) + "\" y=\"" +
            number(y + 12.5) + "\">" + escaped(fitting(name, share * inner)) + "</text></g>\n";
  }

  double total_;
  double bottom_;
  std::string out_;
};

}  // namespace

std::string flame_svg(const CallTree& tree, const FlameText& text) {
  const CallNode& root = tree.root();
  const double bottom = kTop + static_cast<double>(depth_of(root)) * kRow;
  const std::string size = number(bottom + kBottom);
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1200 " +
      size + "\" width=\"1200\" height=\"" + size + "\" role=\"img\" aria-label=\"" + escaped(text.title) + "\">\n" +
      std::string(kStyle) + "<text class=\"title\" x=\"10\" y=\"24\">" + escaped(text.title) +
      "</text>\n<text class=\"sub\" x=\"10\" y=\"44\">" + escaped(text.subtitle) +
      "</text>\n<text class=\"button gone\" id=\"reset\" x=\"1040\" y=\"24\">Show all</text>\n"
      "<text class=\"button\" id=\"search\" x=\"1130\" y=\"24\">Search</text>\n<text id=\"say\" x=\"10\" y=\"" +
      number(bottom + 20) + "\"></text>\n";
  if (root.value == 0)
    return out + "<text x=\"10\" y=\"76\">No sample: nothing of what was asked for happened.</text>\n</svg>\n";
  Drawing drawing(root, bottom);
  drawing.draw(root, "all", 0, 0);
  return out + drawing.take() + std::string(kScript) + "</svg>\n";
}

}  // namespace stream::profile
