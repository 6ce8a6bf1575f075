"""The pages that `stream serve` shows a browser, in a real one: every page is looked at and every action is clicked, on
jobs that run, have failed and have ended. STREAM_SCREENSHOTS=FOLDER keeps a picture of each page, as in
tests/web/screenshots."""

import functools
import http.client
import json
import os
import pathlib
import re
import sys
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
from big_job import BigJob  # noqa: E402
from browser import DESK, PHONE, Browser, check_nothing, fetch_axe, find_chromium  # noqa: E402
from harness import check, main, wait_until  # noqa: E402
from rest import Server  # noqa: E402

SHOP = """pipeline: shop
checkpoint: {interval: 500ms}
stages:
  orders: {run: generate, columns: "n, n % 50 as customer, n % 9 as product, (n * 37 % 1000)::double as amount", rate: 2000}
  timed: {run: assign-time, time: "now() - interval '2 seconds'", as: at, out-of-order: 1s}
  large: {run: filter, where: amount > 100}
  by-customer: {run: aggregate, by: customer, compute: "count(*) as orders, sum(amount) as total", parallelism: 3}
  by-product: {run: aggregate, from: large, by: product, compute: count(*) as orders, parallelism: 2}
  best: {run: top-n, from: by-customer, limit: 5, order: total desc}
  best-out: {run: write-null, from: best}
  product-out: {run: write-null, from: by-product}
  archive-with-quite-a-long-name: {run: write-null, from: timed}
"""
# What comes in rises and falls, so that charts show curves.
WAVES = SHOP.replace("rate: 2000}", "rate: 4000}").replace("  timed:", """  waves: {run: filter, where: "amount < 1000 * (0.55 + 0.45 * sin(n / 12000.0))"}
  timed:""")
BROKEN = """pipeline: broken
checkpoint: {interval: 50ms}
stages:
  made: {run: read-file, path: broken.ndjson, schema: "a bigint", on-error: fail}
  out: {run: write-null}
"""
ENDED = "pipeline: ended\nstages:\n  made: {run: generate, columns: n, rows: 1000}\n  out: {run: write-file, path: ended.ndjson}\n"
WRONG = "pipeline: fresh\nstages:\n  made: {run: generat}\n  out: {run: write-null, colour: red}\n"
RIGHT = "pipeline: fresh\nstages:\n  made: {run: generate, columns: n, rate: 10}\n  out: {run: write-null}\n"

TABS = ["overview", "instances", "charts", "checkpoints", "savepoints", "events", "logs", "flame", "state", "tap", "manifest"]


@functools.cache
def browser():
    return Browser()



def with_jobs(stream, shop=SHOP):
    for name, text in {"shop.yaml": shop, "broken.yaml": BROKEN, "ended.yaml": ENDED, "broken.ndjson": '{"a":1}\n{"a":"x"}\n'}.items():
        (stream.folder / name).write_text(text)
    stream.run("stream", "run", "-d", "shop.yaml")
    stream.run("stream", "run", "ended.yaml")
    stream.run("stream", "run", "broken.yaml", expect=None)
    stream.run("stream", "wait", "shop", "--for", "checkpoint")


def say_yes(page, button, typed=None):
    """In the dialog that is open, or opens now."""
    page.see("dialog")
    if typed is not None:
        check(page.run("return document.querySelector('dialog button[type=submit]').disabled"), "what destroys must be confirmed")
        page.type("dialog #dialog-typed", typed)
    page.click("dialog button[type=submit]", button)
    page.is_gone("dialog")


def act(page, item):
    """Of the menu of a job, as soon as the page knows that it can be done."""
    def chosen():
        if page.run("return Boolean(document.querySelector('.actions [role=menu]')?.checkVisibility())"):
            return page.try_click("[role=menuitem]", item)
        page.try_click(".actions .menu-box > button")
        return False
    page.wait(f"'{item}' to be chosen from the menu", chosen)


def quiet(page, what, allowed="(?!)"):
    check_nothing(f"the console, after {what}", [line for line in page.errors() if not re.search(allowed, line)])


def the_files_are_served_well(stream):
    """Types, a policy, tags and no way out of the folder."""
    with Server(stream) as server:
        at = urllib.parse.urlsplit(server.url)

        def ask(path, **headers):
            connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer, text
        answer, text = ask("/")
        check(answer.status == 200 and answer.headers.get_content_type() == "text/html", f"/: {answer.status}")
        policy = answer.headers["Content-Security-Policy"]
        check("default-src 'none'" in policy and "unsafe" not in policy, policy)
        check(" style=" not in text and "<script>" not in text, "the policy forbids what is inline")
        check(ask("/", **{"If-None-Match": answer.headers["ETag"]})[0].status == 304, "the tag is not known again")
        for path, kind in re.findall(r'(?:href|src)="(/ui/[^"]+\.(\w+))"', text):
            found, body = ask(path)
            check(found.status == 200 and "immutable" in found.headers["Cache-Control"] and body, f"{path}: {found.status}")
            check({"js": "javascript"}.get(kind, kind) in found.headers.get_content_type(), f"{path}: {found.headers.get_content_type()}")
            check("http://" not in body.replace("http://www.w3.org/2000/svg", "") and "https://" not in body, f"{path} names another host")
        for path in ("/ui/nothing.js", "/ui/../routes.cc", "/ui/%2e%2e/routes.cc", "/ui/x/../../etc/passwd"):
            check(ask(path)[0].status in (400, 404), path)


def every_page_shows_what_there_is(stream):
    with_jobs(stream)
    page = browser()
    with Server(stream, "--root", str(stream.folder)) as server:
        page.size(DESK)
        page.open(server.url)
        page.see(".job-card", "shop")
        page.see(".rows td.why", "not a valid BIGINT")
        page.type("input[type=search]", "fail")
        page.is_gone(".job-card")
        page.see("tr", "broken")
        page.set("input[type=search]", "")
        page.click(".job-card a", "shop")
        page.see(".node [data-stage=by-customer]")
        page.wait("rates in the graph", lambda: "/s" in page.text(".node-rates"))
        page.wait("rates of edges", lambda: "/s" in page.text(".edge-label"))
        page.click("[data-stage=by-customer]")
        page.see(".stage-side h3", "by-customer")
        page.wait("three instances", lambda: page.run("return document.querySelectorAll('.side-scroll tbody tr').length") == 3)
        page.click(".tabs a", "Instances")
        page.wait("all instances", lambda: page.run("return document.querySelectorAll('.virtual tbody tr:not(.space)').length") == 12)
        page.click(".virtual th button", "Memory")
        page.see("th[aria-sort=descending]", "Memory")
        page.set("select", "by-customer")
        page.wait("those of a stage", lambda: page.run("return document.querySelectorAll('.virtual tbody tr:not(.space)').length") == 3)
        page.click(".virtual tbody button", "by-customer.0")
        page.see("dialog th", "numRecordsIn")
        say_yes(page, "Close")
        page.click(".tabs a", "Charts")
        page.see(".chart-box", "Records into stages")
        page.wait("a line", lambda: page.run("return document.querySelectorAll('.chart .line').length") > 3)
        page.click(".segmented button", "1 h")
        page.click(".tabs a", "Checkpoints")
        page.see(".phase-row .phase-bar")
        page.see(".rows .pill", "completed")
        page.see(".settings", "exactly once")
        page.click(".tabs a", "Savepoints")
        page.see(".empty-title", "There is no savepoint")
        page.click(".tabs a", "Events")
        page.see(".event-line", "attempt 1")
        page.click(".tabs a", "Logs")
        page.see(".log-line", "running")
        page.click(".toolbar button", "Download")
        lines = [json.loads(line) for line in page.downloaded("shop.log.ndjson").decode().splitlines()]
        check([line["message"] for line in lines][:2] == ["attempt 1 starts", "running"], f"{lines[:3]}")
        page.click("[aria-label='Copy the lines that are shown']")
        page.wait("lines in the clipboard", lambda: re.search(r"^\S+Z info supervisor running$", page.copied(), re.M))
        page.click(".tabs a", "State")
        page.see(".rows", "by_customer")
        page.see(".key-bars", "customer=")
        page.set("#sql", "select count(*) as keys from by_customer")
        page.click("button[type=submit]", "Ask")
        page.see(".virtual", "50")
        page.set("#sql", "select nonsense")
        page.click("button[type=submit]", "Ask")
        page.see(".problem", "nonsense")
        page.click(".tabs a", "Tap")
        page.set("select", "large")
        page.type("input.grow", "customer = 7")
        page.click("button[type=submit]", "Watch")
        page.see(".virtual thead", "customer")
        page.click("button[type=submit]", "Stop")
        page.type("input.grow", "nonsense = 7")
        page.click("button[type=submit]", "Watch")
        page.see(".note, .problem", "nonsense")
        page.click(".tabs a", "Manifest")
        page.wait("the manifest", lambda: "pipeline: shop" in page.run("return document.querySelector('.editor')?.value ?? ''"))
        page.click(".toolbar button", "Download")
        check(page.downloaded("shop.yaml").decode() == page.run("return document.querySelector('.editor').value"), "another manifest")
        page.click("[aria-label='Copy the manifest']")
        page.wait("the manifest in the clipboard", lambda: page.copied() == page.run("return document.querySelector('.editor').value"))
        page.click(".tabs a", "Flame graph")
        if "flamegraph" in page.run("return fetch('/openapi.json').then((answer) => answer.text())"):
            page.see(".flame-box", timeout=60)
        else:
            print("skipped in part: this server samples no stacks", flush=True)
        page.go("job/broken/events")
        page.see(".failure-list", "not a valid BIGINT")
        page.click(".event-open", "made.0 ended")
        page.see(".excerpt", "attempt 1 starts")
        page.go("job/ended")
        page.see(".pill", "finished")
        page.see("[data-stage=made]")
        page.go("job/nothing")
        page.see(".problem", "there is no job 'nothing'")
        page.go("server")
        page.see(".rows", "Processes")
        page.type("#verb", "ps --all")
        page.click("button[type=submit]", "Run")
        page.see(".console-end", "exit 0")
        page.see(".console-out", "shop")
        page.count_buttons()
        quiet(page, "all pages", "40[0-9]")


def every_action_is_a_button(stream):
    with_jobs(stream)
    page = browser()
    with Server(stream, "--root", str(stream.folder)) as server:
        page.size(DESK)
        page.open(server.url)
        page.go("job/shop/savepoints")
        page.click(".toolbar button", "Make a savepoint")
        page.type("dialog #field-note", "before the sale")
        say_yes(page, "Make a savepoint")
        page.see("td.why", "before the sale")
        check("gone" not in page.text(".rows td.path"), "it is there, and said to be gone")
        page.click(".row-actions button", "Mark")
        page.type("dialog #field-label", "sale")
        say_yes(page, "Mark")
        page.see(".rows .chip", "sale")
        page.click(".actions button", "Savepoint")
        say_yes(page, "Make a savepoint")
        page.wait("two savepoints", lambda: page.run("return document.querySelectorAll('.rows tbody input').length") == 2)
        page.run("document.querySelectorAll('.rows tbody input').forEach((box) => box.click())")
        page.click(".toolbar button", "Compare")
        page.click(".panel .link", "by_customer")
        page.see("td", "changed")
        page.click(".row-actions button", "Delete")
        say_yes(page, "Delete it", typed="shop")
        page.wait("one savepoint", lambda: page.run("return document.querySelectorAll('.rows tbody input').length") == 1)
        page.click(".row-actions button", "Download")
        number = page.text(".rows tbody th").strip().removeprefix("#").split("\n")[0]
        (stream.folder / "kept.tar.zst").write_bytes(page.downloaded(f"shop-{re.match('[0-9]+', number)[0]}.tar.zst"))
        check("by_customer" in stream.run("stream", "state", "ls", "kept.tar.zst"), "what was sent is no savepoint")
        page.click(".row-actions button", "Pack")
        say_yes(page, "Pack")
        page.see(".rows td.path", ".tar.zst")
        page.click(".toolbar button", "By themselves")
        page.type("dialog #field-every", "1 parsec")
        page.click("dialog button[type=submit]", "Set")
        page.see("dialog .problem", "parsec")
        page.type("dialog #field-every", "1h")
        say_yes(page, "Set")

        page.go("job/shop/checkpoints")
        page.click(".panel-head button", "Take one now")
        page.see(".toast", "is complete")
        page.go("job/shop/logs")
        page.click(".toolbar button", "Set what is logged")
        page.set("dialog #field-level", "debug")
        say_yes(page, "Set")

        page.go("job/shop")
        act(page, "Rescale")
        page.type("dialog #field-by-product", "3")
        say_yes(page, "Rescale")
        page.wait("three instances", lambda: stages_of(stream, "shop").get("by-product") == 3)
        page.see(".node", "by-product")
        wait_until("it to run", lambda: stream.stats("shop")["job"]["state"] == "RUNNING")
        act(page, "Upgrade")
        page.set("dialog textarea", SHOP.replace("amount > 100", "amount > 200").replace("product, compute: count(*) as orders, parallelism: 2", "product, compute: count(*) as orders, parallelism: 3"))
        say_yes(page, "Upgrade")
        page.see(".toast", "has been upgraded")
        act(page, "Collect garbage")
        say_yes(page, "Delete leftovers")
        act(page, "Restart")
        say_yes(page, "Stop and resume")
        page.see(".toast", "has been restarted")
        page.click(".actions button", "Stop")
        say_yes(page, "Stop the job")
        page.see(".job-title .pill", "stopped")
        page.click(".actions button", "Resume")
        page.see(".job-title .pill", "running")
        page.click(".tabs a", "Savepoints")
        page.click(".row-actions button", "Restore")
        page.wait("what it runs", lambda: "amount > 200" in page.run("return document.querySelector('dialog textarea')?.value ?? ''"))
        say_yes(page, "Go on from it", typed="shop")
        page.see(".toast", "goes on from savepoint")
        check(stream.stats("shop")["job"]["continued_from"], "it began anew")
        page.see(".job-title .pill", "running")
        page.click(".actions .menu-box > button")
        rescale = "return [...document.querySelectorAll('[role=menuitem]')].find((item) => item.checkVisibility() && item.textContent.startsWith('Rescale'))?.disabled"
        page.wait("what can be done with a running job", lambda: page.run(rescale) is False)
        stream.run("stream", "stop", "shop")
        page.wait("the open menu to follow", lambda: page.run(rescale) is True)
        page.click(".actions button", "Resume")
        page.see(".job-title .pill", "running")
        act(page, "Cancel")
        say_yes(page, "Cancel the job", typed="shop")
        page.see(".job-title .pill", "cancel")
        act(page, "Dead letters")
        page.wait("the verb", lambda: page.run("return document.querySelector('#verb')?.value") == "dead-letter shop")
        page.click("button[type=submit]", "Run")
        page.see(".console-end", "exit 0")

        page.go("submit")
        page.set(".editor", WRONG)
        page.see(".editor-problems b", "3:15")
        page.see(".editor-problems b", "4:")
        page.see(".editor-numbers .wrong")
        check(page.run("return document.querySelector('button.primary').disabled"), "what is wrong can be started")
        page.click(".editor-problems button", "generat")
        check(page.run("const area = document.querySelector('.editor'); return area.value.slice(area.selectionStart, area.selectionEnd)") == "generat", "the place is not marked")
        page.set(".editor", RIGHT)
        page.says("Nothing is wrong with it")
        page.click("button.primary", "Start")
        page.see(".job-title h1", "fresh")
        page.see(".job-title .pill", "running")
        a_manifest_gets_name_parameters_and_savepoint(page, stream)
        page.go("server")
        page.see(".panel", "Operations")
        page.count_buttons()
        quiet(page, "all actions", "40[0-9]")


def pressed(page, group):
    return page.run("return document.querySelector(`.segmented[aria-label='${arguments[0]}'] [aria-pressed=true]`)?.textContent", group)


def log_lines(page):
    return page.run("return [...document.querySelectorAll('.log-line')].map((line) => [line.querySelector('.log-who').textContent, line.querySelector('.log-level').textContent, line.querySelector('.log-text').textContent])")


def the_log_is_filtered(page, stream):
    """By stage, level and words; held and followed; one line as a whole."""
    page.go("job/shop/logs")
    page.see(".log-line", "running")
    page.click(".log-text", "running")
    page.see(".log-whole", "supervisor · attempt 1")
    everything = len(log_lines(page))
    page.set("select[aria-label=Stage]", "by-customer")
    page.wait("the lines of no stage but one", lambda: {who.split(".")[0] for who, _, _ in log_lines(page)} <= {"by-customer"} and len(log_lines(page)) < everything)
    page.set("select[aria-label=Stage]", "")
    page.type("input[type=search]", "^attempt 1")
    page.wait("what matches", lambda: [text for _, _, text in log_lines(page)] == ["attempt 1 starts"])
    page.says("1 of ", ".toolbar")
    page.type("input[type=search]", "[")
    check(page.run("return !document.querySelector('input[type=search]').checkValidity()"), "a wrong pattern is not marked")
    page.set("input[type=search]", "")
    page.click(".toolbar label input")  # held: what comes is not shown
    before = page.text(".toolbar .muted")
    stream.run("stream", "logs", "shop", "--set-level", "debug")
    stream.run("stream", "savepoint", "shop", "--label", "held")
    wait_until("a line that is held back", lambda: "savepoint of checkpoint" in stream.run("stream", "logs", "shop"))
    check(page.text(".toolbar .muted") == before, "it is held, and goes on")
    page.click(".toolbar label input")
    page.wait("what has come meanwhile", lambda: any("savepoint of checkpoint" in text for _, _, text in log_lines(page)))
    page.set("select[aria-label='Least level']", "error")
    page.wait("nothing that is less", lambda: {level for _, level, _ in log_lines(page)} <= {"error"})


def the_graph_leads_on(page):
    page.go("job/shop/overview")
    page.see(".node")
    width = "return document.querySelector('.graph-inner').getBoundingClientRect().width"
    page.click(".graph-tools button[aria-label='Fit into the page']")
    fitted = page.run(width)
    page.click(".graph-tools button[aria-label='Larger']")
    page.wait("a larger graph", lambda: page.run(width) > fitted)
    larger = page.run(width)
    page.click(".graph-tools button[aria-label='Smaller']")
    page.wait("a smaller graph", lambda: page.run(width) < larger)
    page.click(".graph-tools button[aria-label='Fit into the page']")
    page.wait("a graph that fits", lambda: abs(page.run(width) - fitted) < 1)
    page.click("[data-stage=by-customer]")
    page.click(".side-actions button", "Rescale")
    page.see("dialog #field-by-customer")
    page.click("dialog button", "Back")
    page.is_gone("dialog")
    page.click("[aria-label='Close']")
    page.is_gone(".stage-side h3")
    page.click(".rows .link", "by-product")
    page.see(".stage-side h3", "by-product")
    for tab, ready in (("Instances", ".virtual tbody button"), ("Logs", ".log-panel"), ("Flame graph", ".flame-view"), ("Tap", ".empty"), ("State", ".key-bars")):
        page.go("job/shop/overview?stage=by-product")
        page.click(".side-actions a", tab)
        page.see(ready)
        check("stage=by-product" in page.run("return location.hash"), f"{tab} is of another stage")
    for tab, ready in (("logs", ".log-panel"), ("flame", ".flame-view")):
        page.go("job/shop/instances")
        page.click(".virtual tbody button", "by-product.0")
        page.click("dialog a.button", {"logs": "Logs", "flame": "Flame"}[tab])
        page.see(ready)
        page.is_gone("dialog")


def the_rest_is_clicked(page, stream):
    page.go("job/shop/instances")
    for head in page.run("return [...document.querySelectorAll('.virtual .sort')].map((one) => one.firstChild.textContent)"):
        page.click(".virtual .sort", head)
        page.see("th[aria-sort]", head)
    page.go("job/shop/charts")
    for span in page.run("return [...document.querySelectorAll('.segmented button')].map((one) => one.textContent)"):
        page.click(".segmented button", span)
        page.wait(f"{span} to be what is drawn", lambda span=span: pressed(page, "Time") == span)
    page.go("job/shop/events")
    page.see(".event-line", "attempt 1")
    page.click(".segmented button", "Failures")
    page.says("0 of ")
    page.click(".segmented button", "All")
    page.see(".event-line", "attempt 1")
    page.type("input[type=search]", "attempt 1")
    page.wait("what is looked for", lambda: page.run("return document.querySelectorAll('.event-line').length") == 1)
    page.go("job/shop/checkpoints")
    page.click(".rows tbody .link", "#")
    page.see("tr[aria-selected=true]")
    page.see(".phase-row")
    page.go("job/shop/savepoints")
    page.click(".row-actions a", "Look into")
    page.see(".note", "The state of shop@")
    page.see(".key-bars")
    page.click(".rows .link", "by_product")
    page.see("h3", "by_product")
    page.set("#sql", "select customer from by_customer")
    page.click("button[type=submit]", "Ask")
    page.click(".virtual .sort", "customer")
    page.wait("sorted rows", lambda: page.run("return document.querySelector('th[aria-sort]')?.getAttribute('aria-sort')") in ("ascending", "descending"))
    page.go("server")
    page.type("#verb", "logs -f shop")
    page.click("button[type=submit]", "Run")
    page.see(".console-out", "running")
    page.click("button[type=submit]", "End")
    page.see("button[type=submit]", "Run")
    page.go("job/shop/flame")
    if "flamegraph" in page.run("return fetch('/openapi.json').then((answer) => answer.text())"):
        for kind in ("Off CPU", "Both", "On CPU"):
            page.click(".segmented button", kind)
            page.wait(f"{kind} to be sampled", lambda kind=kind: pressed(page, "Of which time") == kind)
            page.see(".flame-view")
        page.set("select[aria-label=Stage]", "orders")
        page.see(".flame-box")
        page.click("button", "Sample again")
        page.see(".muted", "samples, until")
        page.type("input[type=search]", "main")
        page.see(".flame-box.marked, .flame-box.unmarked")
        page.wait("a box to be clicked", lambda: page.run("const boxes = document.querySelectorAll('.flame-box'); boxes[1]?.dispatchEvent(new MouseEvent('click', {bubbles: true})); return boxes.length > 1"))
    page.go("job/shop/manifest")
    page.click(".toolbar button", "Upgrade")
    page.see("dialog textarea")
    page.click("dialog button", "Back")
    page.click("a.button", "Submit a changed copy")
    page.wait("the copy", lambda: "pipeline: shop" in page.run("return document.querySelector('.editor')?.value ?? ''"))
    page.set(".editor", WRONG)
    page.click("button", "Check")
    page.see(".editor-problems b", "3:15")
    (stream.folder / "opened.yaml").write_text(RIGHT)
    page.run("document.querySelector('label[for=manifest-file]').addEventListener('click', (event) => event.preventDefault(), {once: true})")  # no window of the system
    page.click("label.button", "Open a file")
    page.driver.find_element("css selector", "#manifest-file").send_keys(str(stream.folder / "opened.yaml"))
    page.wait("what is in the file", lambda: page.run("return document.querySelector('.editor').value") == RIGHT)
    page.go("job/nothing")
    page.click(".problem button", "Try again")
    page.see(".problem", "there is no job 'nothing'")
    theme = "return getComputedStyle(document.body).backgroundColor"
    before = page.run(theme)
    page.click("[aria-label='Switch between light and dark']")
    page.wait("the other theme", lambda: page.run(theme) != before)
    page.click("[aria-label='Switch between light and dark']")
    page.wait("the first theme again", lambda: page.run(theme) == before)


def the_menu_leads_to_all(page):
    page.go("job/shop")
    act(page, "Watch the rows")
    page.see(".empty", "Nothing is watched")
    act(page, "Ask its state")
    page.see(".key-bars")
    act(page, "Take a checkpoint")
    page.see(".toast", "is complete")
    page.click("[aria-label='Close this note']")
    act(page, "Make a savepoint")
    page.type("dialog #field-label", "from-the-menu")
    say_yes(page, "Make a savepoint")
    page.go("job/shop/savepoints")
    page.see(".rows .chip", "from-the-menu")
    act(page, "Stop")
    page.see("dialog")
    page.click("dialog button", "Back")
    page.is_gone("dialog")


def every_other_button_does_something(stream):
    with_jobs(stream)
    page = browser()
    with Server(stream, "--root", str(stream.folder)) as server:
        page.size(DESK)
        page.open(server.url)
        the_log_is_filtered(page, stream)
        the_graph_leads_on(page)
        the_menu_leads_to_all(page)
        the_rest_is_clicked(page, stream)
        page.count_buttons()
        quiet(page, "all other buttons", "40[0-9]")


def no_button_was_left_out(_):
    """Of all that was there to be clicked in the three tests before."""
    page = browser()
    if page.counted < 3:
        print("skipped: not all tests that click were run", flush=True)
        return
    check(len(page.seen) > 60, f"only {len(page.seen)} buttons are known")
    check_nothing("never clicked", sorted(page.seen - page.clicked))


GIVEN = """pipeline: fresh
parameters: {rows: {type: integer}}
stages:
  made: {run: generate, columns: "n, n % 3 as k", rate: "${rows}"}
  totals: {run: aggregate, by: k, compute: count(*) as c}
  out: {run: write-null}
"""


def a_manifest_gets_name_parameters_and_savepoint(page, stream):
    saved = stream.run("stream", "savepoint", "fresh", "--label", "before").strip()
    page.go("submit")
    page.click("summary", "Name, parameters")
    page.set(".editor", GIVEN)
    page.set("#submit-parameters", "rows")
    page.says("'rows' is no parameter")
    page.set("#submit-parameters", "rows=50")
    page.set("#submit-name", "second")
    page.says("Nothing is wrong with it")
    page.wait("the savepoint to be offered", lambda: page.run("document.querySelector('#submit-from').dispatchEvent(new Event('focus')); return [...document.querySelectorAll('#submit-savepoints option')].some((one) => one.value === 'fresh@before')"))
    page.set("#submit-from", "fresh@before")
    page.click("#submit-drop")
    page.click("button.primary", "Start")
    page.see(".job-title h1", "second")
    page.see(".job-title .pill", "running")
    check(saved in stream.stats("second")["job"]["continued_from"], stream.stats("second")["job"])


def stages_of(stream, job):
    return {stage["stage"]: stage["parallelism"] for stage in stream.stats(job)["job"]["stages"]}


def a_token_is_asked_for(stream):
    (stream.folder / "ended.yaml").write_text(ENDED)
    stream.run("stream", "run", "ended.yaml")
    token = stream.run("stream", "serve", "--new-token", "eyes=read", "--tokens", "tokens").strip()
    page = browser()
    with Server(stream, "--tokens", "tokens") as server:
        page.open(server.url)
        page.see("h1", "asks for a token")
        page.type("#token", "nonsense")
        page.click("button[type=submit]")
        page.see(".problem", "the token is not known here")
        check(page.run("return sessionStorage.length + localStorage.length") <= 2, "what is wrong is kept")
        page.type("#token", token)
        page.click("button[type=submit]")
        page.see(".rows", "ended")
        check(page.run("return Object.values(localStorage).join()").find(token) < 0, "a token outlasts its tab")
        page.go("job/ended")
        page.click(".tabs a", "Savepoints")
        page.go("submit")
        page.see(".problem", "has the role read")
        page.click(".bar button", "Forget token")
        page.see("h1", "asks for a token")
        page.go("")
        page.see("h1", "asks for a token")
        quiet(page, "the token", "40[13]")


def who_uses_keys_or_a_reader_finds_all(stream):
    """Names, contrast, order and axe-core's rules, on every page, in both themes."""
    with_jobs(stream)
    page = browser()
    axe = fetch_axe(stream.folder)
    if axe is None:
        print("skipped in part: axe-core cannot be had from npm here", flush=True)
    stream.run("stream", "savepoint", "shop", "--note", "for a look")
    with Server(stream, "--root", str(stream.folder)) as server:
        page.open(server.url)
        for theme, size in (("light", DESK), ("dark", PHONE)):
            page.size(size, theme)
            for place in ["", *[f"job/shop/{tab}" for tab in TABS], "job/shop/overview?stage=by-customer", "job/broken/events", "submit", "server"]:
                show(page, place)
                check_nothing(f"{place or 'jobs'} in {theme}", page.faults())
                check(page.overflow() <= 0, f"{place} is {page.overflow()} px too wide on {size[0]} px")
                if axe and theme == "light":  # contrast is looked at in both
                    check_nothing(f"axe on {place or 'jobs'}", page.axe(axe))
        page.size(DESK)
        keys_alone(page)
        quiet(page, "looking for faults", "40[0-9]")


def keys_alone(page):
    from selenium.webdriver.common.action_chains import ActionChains  # noqa: PLC0415
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415

    def press(key):
        ActionChains(page.driver).send_keys(key).perform()

    def focus():
        return page.run("const node = document.activeElement; return (node.getAttribute('aria-label') || node.textContent).trim()")
    page.open(page.url)
    page.see(".job-card")
    press(Keys.TAB)
    check(focus() == "Skip to content", f"the first stop is '{focus()}'")
    seen = []
    for _ in range(12):
        press(Keys.TAB)
        if page.run("return document.activeElement === document.body"):
            break  # behind the last
        seen.append(focus())
        check(page.run("const style = getComputedStyle(document.activeElement); const after = getComputedStyle(document.activeElement, '::after'); return style.outlineStyle !== 'none' || after.outlineStyle !== 'none'"),
              f"'{focus()}' has the focus, and it is not seen")
    for name in ("Jobs", "Submit", "Switch between light and dark", "shop"):
        check(name in seen, f"'{name}' is not among the stops {seen}")
    page.go("job/shop")
    page.see(".node")
    page.run("document.querySelector('.actions .menu-box > button').focus()")
    press(Keys.ENTER)
    page.see("[role=menu] button")
    first = focus()
    press(Keys.ARROW_DOWN)
    check(focus() != first, "the arrow does not move in the menu")
    press(Keys.ESCAPE)
    page.is_gone("[role=menu]")
    check("Actions" in focus(), f"the focus is lost at '{focus()}'")
    act(page, "Cancel")
    page.see("dialog")
    press(Keys.ESCAPE)
    page.is_gone("dialog")


READY = {"": ".job-card", "overview": ".node-rates", "instances": ".virtual tbody button", "charts": ".chart .line", "checkpoints": ".phase-row", "savepoints": ".row-actions", "events": ".event-line", "logs": ".log-line",
         "flame": ".flame-box, .problem", "state": ".key-bars", "tap": ".empty", "manifest": ".editor", "submit": ".note", "server": ".settings"}


def show(page, place):
    """A page, when what it shows is there."""
    page.go(place)
    page.see(READY[re.split(r"[/?]", place)[2] if place.startswith("job/") else place])


def pictures_of_every_page(stream):
    kept = bool(os.environ.get("STREAM_SCREENSHOTS"))
    with_jobs(stream, WAVES)
    page = browser()
    folder = pathlib.Path(os.environ.get("STREAM_SCREENSHOTS") or stream.folder / "screenshots")
    stream.run("stream", "savepoint", "shop", "--note", "before the sale", "--label", "sale")
    with Server(stream, "--root", str(stream.folder)) as server:
        page.open(server.url)
        wait_until("a past to draw", lambda: stream.stats("shop")["instances"][0]["running_us"] > (75e6 if kept else 5e6), timeout=180)
        places = {"jobs": "", **{tab: f"job/shop/{tab}" for tab in TABS}, "stage": "job/shop/overview?stage=by-customer", "failed": "job/broken/events", "finished": "job/ended/overview", "submit": "submit", "server": "server"}
        for size, theme in ((DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")):
            page.size(size, theme)
            for name, place in places.items():
                if name != "finished":
                    show(page, place)
                else:
                    page.go(place)
                    page.see(".pill", "finished")
                if name == "failed":
                    page.see(".failure-list")
                if name == "submit":
                    page.set(".editor", WRONG)
                    page.see(".editor-problems b", "3:15")
                page.shot(folder / f"{name}-{size[0]}-{theme}.webp")
        page.run("sessionStorage.clear()")
        check(len(list(folder.iterdir())) >= 4 * len(places), "some pictures are missing")
        quiet(page, "the pictures", "40[0-9]")


LONG_TASKS = """window.long = []; window.watcher?.disconnect(); window.watcher = new PerformanceObserver((list) => list.getEntries().forEach((one) => window.long.push(one.duration)));
window.watcher.observe({type: 'longtask'});"""


def two_hundred_instances_and_ten_thousand_events(stream):
    """No task of the page blocks it for long, and only what is seen is in it."""
    page = browser()
    with Server(stream) as server, BigJob(server.url) as job:
        page.size(DESK)
        page.open(job.url)
        page.see(".job-card", "big")
        for tab, ready in (("overview", ".node"), ("instances", ".virtual tbody button"), ("events", ".event-line")):
            page.go(f"job/big/{tab}")
            page.see(ready)
            for last in (False, False, True):  # what else the machine does makes some task long, but not each time
                page.run(LONG_TASKS)
                began = time.monotonic()
                for turn in range(30):
                    page.run("for (const view of document.querySelectorAll('.virtual-view, .graph-view')) view.scrollTop = arguments[0]; scrollTo(0, arguments[0] / 40)", turn * 900 % 20000)
                    time.sleep(0.1)  # it is measured for so long
                spent = time.monotonic() - began
                long = page.run("return window.long")
                if max(long, default=0) < 500 and sum(long) < spent * 1000 * 0.5:
                    break
                check(not last, f"{tab}: blocked for {long} ms within {spent:.1f} s")
            nodes = page.run("return document.querySelectorAll('*').length")
            check(nodes < 4000, f"{tab}: {nodes} elements")
            print(f"        {tab}: {len(long)} long tasks, {sum(long):.0f} ms of {spent * 1000:.0f}, {nodes} elements", flush=True)
        page.type("input[type=search]", "attempt 9999")
        page.wait("what is looked for", lambda: page.run("return document.querySelectorAll('.event-line').length") == 1)
        quiet(page, "a big job", "404")


if __name__ == "__main__":
    missing = find_chromium()
    if missing:
        print(f"skipped: {missing}", flush=True)
        sys.exit(0)
    os.environ.setdefault("SE_OFFLINE", "true")
    main([the_files_are_served_well, every_page_shows_what_there_is, every_action_is_a_button, every_other_button_does_something, no_button_was_left_out, a_token_is_asked_for, who_uses_keys_or_a_reader_finds_all, pictures_of_every_page,
          two_hundred_instances_and_ten_thousand_events])
