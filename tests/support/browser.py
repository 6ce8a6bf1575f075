"""A headless Chromium, driven through WebDriver; and what is looked for on any page."""

import atexit
import base64
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from harness import Failure, check

sys.path.append("/usr/lib/python3/dist-packages")  # where Debian puts selenium, whichever python3 this is
WAIT = 60.0  # seconds, for anything to come
PHONE, DESK = (390, 844), (1440, 900)

# The first visible element like this, with this text in it; only if it can be used now, where that is asked for.
FIRST = """const [css, text, usable] = arguments;
const node = [...document.querySelectorAll(css)].find((one) => one.checkVisibility() && (text === null || one.textContent.includes(text)));
return node && !(usable && node.disabled) ? node : null;"""
# Of what can be used, that it has a name; of what can be focused, that it can be seen.
UNNAMED = """
const named = (node) => (node.getAttribute('aria-label') || node.textContent || node.title || node.alt || '').trim() ||
  (node.id && document.querySelector(`label[for="${CSS.escape(node.id)}"]`)) || node.closest('label');
const seen = (node) => node.checkVisibility();
const wrong = [...document.querySelectorAll('button, a[href], input, select, textarea, [role=button], [role=region], [role=img]')].filter((node) => seen(node) && !named(node));
const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
return [...wrong.map((node) => node.outerHTML.slice(0, 120)), ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `twice: #${id}`),
        ...(document.querySelectorAll('h1').length > 1 ? ['two h1'] : [])];
"""
# Text against what is behind it, as WCAG 2 reckons: 4.5, and 3 for what is large.
PALE = """
const parse = (text) => { const n = text.match(/[\\d.]+/g)?.map(Number) ?? [0, 0, 0, 0]; const srgb = text.startsWith('color('); return {c: n.slice(0, 3).map((v) => srgb ? v : v / 255), a: n[3] ?? 1}; };
const over = (top, under) => ({c: top.c.map((v, i) => v * top.a + under.c[i] * (1 - top.a)), a: 1});
const light = ({c}) => { const [r, g, b] = c.map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (node) => { let layers = []; for (let at = node; at; at = at.parentElement) { const one = parse(getComputedStyle(at).backgroundColor); if (one.a > 0) { layers.push(one); if (one.a === 1) break; } }
  return layers.reverse().reduce((under, top) => over(top, under), {c: [1, 1, 1], a: 1}); };
const found = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !node.checkVisibility({opacityProperty: true, visibilityProperty: true}) || node.closest('svg, :disabled, .hidden-text, .skip, option')) continue;
  const style = getComputedStyle(node);
  const back = behind(node);
  const [a, b] = [light(over(parse(style.color), back)), light(back)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) found.add(`${ratio.toFixed(2)}: '${walker.currentNode.data.trim().slice(0, 30)}' ${node.className}`);
}
return [...found];
"""


# Which buttons a page has had that could be used, and which of them were clicked. Those that there are many of, as one
# for each stage, are told by what kind they are; those above all pages have no page.
CENSUS = """
if (window.census) return;
const BUTTON = 'button, [role=button], a.button, label.button, summary';
const KINDS = ['.flame-box', '[data-stage]', '.sort', '.event-open', '.log-text', '.link', '.editor-problems button'];
const pageNow = () => { const [kind, , tab] = location.hash.replace(/^#[/]?/, '').split('?')[0].split('/'); return kind === 'job' ? tab || 'overview' : kind || 'jobs'; };
let page = pageNow();
const left = new WeakSet();  // of the page before, which may still be seen a moment
addEventListener('hashchange', () => { page = pageNow(); for (const node of document.querySelectorAll(BUTTON)) left.add(node); }, {capture: true});
const label = (node) => (node.getAttribute('aria-label') ?? [...node.childNodes].find((one) => one.textContent.trim())?.textContent ?? '').trim();
const name = (node) => {
  const kind = KINDS.find((one) => node.matches(one));
  const above = node.closest('dialog, .toast, .bar, .actions, .problem, .tabs');
  const where = above?.matches('dialog') ? 'dialog' : above ? above.className.split(' ')[0] : page;
  return `${where}: ${kind ?? label(node)}`;
};
window.census = {seen: {}, clicked: {}};
const look = () => { for (const node of document.querySelectorAll(BUTTON)) if (!node.disabled && !left.has(node) && node.checkVisibility()) window.census.seen[name(node)] = 1; };
let due = false;
new MutationObserver(() => { if (due) return; due = true; setTimeout(() => { due = false; look(); }, 50); }).observe(document.documentElement, {subtree: true, childList: true, attributes: true});
document.addEventListener('click', (event) => { const node = event.target.closest?.(BUTTON); if (node && !node.disabled) window.census.clicked[name(node)] = 1; }, true);
look();
"""


def find_chromium():
    """Why there is no browser here, or nothing."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    try:
        import selenium  # noqa: F401, PLC0415
    except ImportError:
        return "there is no python3-selenium"
    return None


class Browser:
    def __init__(self):
        from selenium import webdriver  # noqa: PLC0415
        from selenium.webdriver.chrome.service import Service  # noqa: PLC0415
        self.profile = tempfile.mkdtemp(prefix="stream-test-browser-")
        self.downloads = pathlib.Path(self.profile, "downloads")
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
                         "--force-color-profile=srgb", f"--user-data-dir={self.profile}"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(self.downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(WAIT)
        self.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
        atexit.register(self.close)
        self.size(DESK)
        self.url = ""
        self.seen, self.clicked, self.counted = set(), set(), 0

    def close(self):
        atexit.unregister(self.close)
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def size(self, size, theme="light"):
        width, height = size
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def open(self, url):
        self.url = url
        self.driver.get("about:blank")
        self.errors()  # of the page before
        self.driver.get(url + "/")
        self.run(CENSUS)

    def count_buttons(self):
        """Keeps what the page that was opened last has had."""
        found = self.run("return window.census")
        self.seen |= set(found["seen"])
        self.clicked |= set(found["clicked"])
        self.counted += 1

    def go(self, place):
        """To a page of this server, by its name behind the '#/'."""
        self.run("location.hash = arguments[0]", f"#/{place}")

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, what, condition, timeout=WAIT):
        from selenium.common.exceptions import WebDriverException  # noqa: PLC0415
        deadline = time.monotonic() + timeout
        why = None
        while time.monotonic() < deadline:
            try:
                value = condition()
                if value:
                    return value
            except WebDriverException as error:  # the page is being changed
                why = error
            time.sleep(0.03)
        said = self.run("return [...document.querySelectorAll('.problem, .toast')].map((node) => node.innerText).join(' | ') + ' # ' + document.getElementById('main').innerText.slice(0, 600)")
        raise Failure(f"waited {timeout} s in vain for {what} at {self.driver.current_url}; the page says: {said} {why or ''}")

    def see(self, css, text=None, timeout=WAIT):
        """The first visible element like this, when it has come; `text` is somewhere in it."""
        return self.wait(f"{css} {text or ''}", lambda: self.run(FIRST, css, text, False), timeout)

    def try_click(self, css, text=None):
        """Whether there was such an element, which could be used and has got the click: the page may be changing."""
        node = self.run(FIRST, css, text, True)
        if node is None:
            return False
        # What is in its place by then is as good: tables are filled anew all the time.
        self.run("""const [node, css, text] = arguments;
            window.arrived = false;
            node.scrollIntoView({block: 'center', inline: 'center'});
            document.addEventListener('click', ({target}) => {
              const found = target.closest(css);
              window.arrived = found !== null && (text === null || found.textContent.includes(text));
            }, {once: true, capture: true})""", node, css, text)
        node.click()
        return self.run("return window.arrived")

    def click(self, css, text=None):
        self.wait(f"{css} {text or ''} to be clicked", lambda: self.try_click(css, text))

    def type(self, css, text):
        def act():
            node = self.run(FIRST, css, None, True)
            if node is None:
                return False
            node.clear()
            node.send_keys(text)
            return True
        self.wait(f"{css} to be written to", act)

    def set(self, css, value):
        """As if it had been written there; for long texts and choices."""
        self.wait(f"{css} to take what is written", lambda: self.run(f"""const node = (() => {{ {FIRST} }})(...arguments);
            if (!node) return false;
            node.value = arguments[3];
            if (node.value !== arguments[3]) return false;  // there is no such choice, yet
            for (const kind of ['input', 'change']) node.dispatchEvent(new Event(kind, {{bubbles: true}}));
            return true;""", css, None, True, value))

    def text(self, css="#main"):
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def says(self, text, css="#main"):
        return self.wait(f"'{text}' in {css}", lambda: text in self.text(css))

    def is_gone(self, css):
        self.wait(f"{css} to go", lambda: not self.run("return [...document.querySelectorAll(arguments[0])].some((node) => node.checkVisibility())", css))

    def errors(self):
        """What the console has complained about since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def downloaded(self, name):
        """What the browser has put into a file of this name, when all of it is there; it is then taken away."""
        path = self.downloads / name
        self.wait(f"the file {name}", lambda: path.exists() and not list(self.downloads.glob("*.crdownload")))
        content = path.read_bytes()
        path.unlink()
        return content

    def copied(self):
        return self.run("return navigator.clipboard.readText()")

    def overflow(self):
        return self.run("return document.documentElement.scrollWidth - innerWidth")

    def faults(self):
        """Of this page, for who cannot see it, sees it badly, or has no mouse."""
        return [f"no name: {one}" for one in self.run(UNNAMED)] + [f"pale: {one}" for one in self.run(PALE)]

    def axe(self, source):
        """What axe-core finds; it is loaded once a document."""
        if not self.run("return Boolean(window.axe)"):
            self.run(source)
        found = self.driver.execute_async_script("""const done = arguments[0];
            axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'], resultTypes: ['violations']}).then((result) =>
              done(result.violations.map((one) => `${one.id} (${one.impact}): ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 140)).join(' || ')}`)), (error) => done([String(error)]));""")
        return found

    def shot(self, path):
        """As WebP, which is small enough to be kept."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        found = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 72})
        path.write_bytes(base64.b64decode(found["data"]))


def fetch_axe(folder):
    """axe-core's text, from npm; nothing where that cannot be reached."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    try:
        done = subprocess.run([npm, "pack", "--silent", "axe-core@4"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        return None
    subprocess.run(["tar", "xzf", done.stdout.strip(), "package/axe.min.js"], cwd=folder, check=True)
    return pathlib.Path(folder, "package", "axe.min.js").read_text(encoding="utf-8")


def check_nothing(what, faults):
    check(not faults, f"{what}: " + "\n    ".join([str(len(faults)), *faults[:20]]))
