"""What each query of Nexmark means, in SQLite's SQL over the tables of events.py.

Written from the benchmark's definitions, not from the manifests: another set of functions, other ways to
say the same. A query's rows are compared as a set with what its manifest's pipeline has written.
"""


def counts():
    """Of bids in all and in three ranges of price."""
    return ("count(*), sum(price < 10000), sum(price between 10000 and 999999), sum(price >= 1000000)")


def distinct(what):
    conditions = ["1", "price < 10000", "price between 10000 and 999999", "price >= 1000000"]
    return ", ".join(f"count(distinct case when {condition} then {what} end)" for condition in conditions)


# 0.908 times the price, exactly.
EUROS = "printf('%d.%03d', price * 908 / 1000, price * 908 % 1000)"
DAY = "substr(date_time, 1, 10)"
MINUTE = "substr(date_time, 12, 5)"
HOUR = "cast(substr(date_time, 12, 2) as integer)"
NUMBER_IN_URL = "substr(url, instr(url, '&channel_id=') + length('&channel_id='))"
# Behind the host, one part after the other.
PATH = "substr(url, length('https://www.nexmark.com/') + 1)"

# Queries about minutes rather than days: their events lie closer together.
OF_MINUTES = {"q10"}

QUERIES = {
    "q0": "select auction, bidder, price, date_time, extra from bid",
    "q1": f"select auction, bidder, {EUROS}, date_time, extra from bid",
    "q2": "select auction, price from bid where auction % 123 = 0",
    "q10": f"select {DAY}, {MINUTE}, auction, bidder, price, date_time, extra from bid",
    "q14": f"""
        select auction, bidder, {EUROS},
               iif({HOUR} in (7, 19), 'otherTime', iif({HOUR} > 7 and {HOUR} < 19, 'dayTime', 'nightTime')),
               date_time, extra, length(replace(extra, 'c', 'cc')) - length(extra)
        from bid where 1000000000 < 908 * price and 908 * price < 50000000000""",
    "q15": f"select {DAY}, {counts()}, {distinct('bidder')}, {distinct('auction')} from bid group by 1",
    "q16": f"select channel, {DAY}, max({MINUTE}), {counts()}, {distinct('bidder')}, {distinct('auction')} "
           "from bid group by 1, 2",
    "q17": f"select auction, {DAY}, {counts()}, min(price), max(price), cast(avg(price) as integer), sum(price) "
           "from bid group by 1, 2",
    "q21": f"""
        with ids (channel, id) as (values ('Apple', '0'), ('Google', '1'), ('Facebook', '2'), ('Baidu', '3'))
        select auction, bidder, price, channel, id from bid join ids using (channel)
        union all
        select auction, bidder, price, channel, {NUMBER_IN_URL}
        from bid where channel like 'channel-%' and url like '%&channel_id=%'""",
    "q22": f"""
        select auction, bidder, price, channel, substr(path, 1, a - 1), substr(path, a + 1, b - 1),
               substr(path, a + b + 1, instr(substr(path, a + b + 1), '/') - 1)
        from (select *, instr(substr(path, a + 1), '/') as b
              from (select *, instr(path, '/') as a from (select *, {PATH} as path from bid)))""",
}
