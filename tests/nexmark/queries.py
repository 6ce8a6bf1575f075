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


def printed(at):
    """Milliseconds as the time they are, without zeros at the end of the fraction."""
    second = f"strftime('%Y-%m-%dT%H:%M:%S', ({at}) / 1000, 'unixepoch')"
    return f"rtrim(rtrim({second} || printf('.%03d', ({at}) % 1000), '0'), '.') || 'Z'"


# 0.908 times the price, exactly.
EUROS = "printf('%d.%03d', price * 908 / 1000, price * 908 % 1000)"
DAY = "substr(date_time, 1, 10)"
MINUTE = "substr(date_time, 12, 5)"
HOUR = "cast(substr(date_time, 12, 2) as integer)"
NUMBER_IN_URL = "substr(url, instr(url, '&channel_id=') + length('&channel_id='))"
# The ten seconds a time belongs to: their begin in seconds, and as it is printed.
WINDOW = "at / 10000 * 10"
PRINTED = "strftime('%Y-%m-%dT%H:%M:%SZ', start, 'unixepoch')"
# Behind the host, one part after the other.
PATH = "substr(url, length('https://www.nexmark.com/') + 1)"

# Queries about minutes rather than days: their events lie closer together.
OF_MINUTES = {"q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11"}

# What is compared of a result that depends on when it was made, and what must be 0 of it: a row that has no
# window of the clock's ten seconds, or one that another has too.
COMPARED = {"q12": "select bidder, sum(bid_count) from result group by 1"}
FAULTS = {"q12": """
    select sum(unixepoch(start_time) % 10 <> 0 or unixepoch(end_time) <> unixepoch(start_time) + 10)
           + count(*) - count(distinct bidder || ' ' || start_time) from result"""}

QUERIES = {
    "q0": "select auction, bidder, price, date_time, extra from bid",
    "q1": f"select auction, bidder, {EUROS}, date_time, extra from bid",
    "q2": "select auction, price from bid where auction % 123 = 0",
    "q3": """
        select name, city, state, auction.id from auction, person
        where seller = person.id and category = 10 and state in ('OR', 'ID', 'CA')""",
    "q4": """
        with final as (select category, max(price) as price from auction cross join bid on bid.auction = auction.id
                       where bid.at between auction.at and ends group by auction.id, category)
        select category, cast(avg(price) as integer) from final group by 1""",
    "q5": """
        with slides(n) as (values (0), (1), (2), (3), (4)),
             counts as (select auction, at / 2000 - n as slide, count(*) as num from bid cross join slides group by 1, 2),
             most as (select slide, max(num) as top from counts group by 1)
        select auction, num from counts join most using (slide) where num = top""",
    "q6": """
        with final as (select auction.id, seller, ends, max(price) as price from auction cross join bid on bid.auction = auction.id
                       where bid.at >= auction.at and bid.at <= ends group by 1, 2, 3),
             numbered as (select *, count(*) over (partition by seller order by ends desc, id desc rows unbounded preceding) as place
                          from final)
        select seller, cast(avg(price) as integer) from numbered where place < 11 group by seller""",
    "q7": f"""
        with highest as (select {WINDOW} as start, max(price) as top from bid group by 1)
        select auction, bidder, price, date_time, extra from highest cross join bid on price = top
        where at >= 1000 * start and at <= 1000 * (start + 10)""",
    "q8": f"""
        with people as (select distinct id, name, {WINDOW} as start from person),
             sellers as (select distinct seller, {WINDOW} as start from auction)
        select id, name, {PRINTED} from people join sellers using (start) where id = seller""",
    "q9": """
        select id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra,
               auction, bidder, price, bid_date_time, bid_extra
        from (select auction.*, bid.auction, bidder, price, bid.date_time as bid_date_time, bid.extra as bid_extra,
                     row_number() over (partition by auction.id order by price desc, bid.at) as place
              from auction cross join bid on bid.auction = auction.id
              where bid.at >= auction.at and bid.at <= ends)
        where place = 1""",
    "q10": f"select {DAY}, {MINUTE}, auction, bidder, price, date_time, extra from bid",
    "q11": f"""
        with spaced as (select bidder, at,
                               at - lag(at) over (partition by bidder order by at) < 10000 as goes_on from bid),
             numbered as (select *, sum(coalesce(1 - goes_on, 1)) over (partition by bidder order by at) as session from spaced)
        select bidder, count(*), {printed("min(at)")}, {printed("max(at) + 10000")} from numbered group by bidder, session""",
    "q12": "select bidder, count(*) from bid group by 1",
    "q13": """
        with recursive side (key, value) as (select 0, '0' union all select key + 1, cast(key + 1 as text) from side where key < 9999)
        select auction, bidder, price, date_time, value from bid cross join side on key = auction % 10000""",
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
    "q18": """
        select auction, bidder, price, channel, url, date_time, extra from bid as last
        where not exists (select 1 from bid as later where later.auction = last.auction and later.bidder = last.bidder
                                                       and later.at > last.at)""",
    "q19": """
        select auction, bidder, price, channel, url, date_time, extra, place
        from (select *, row_number() over (partition by auction order by price desc, at) as place from bid)
        where place <= 10""",
    "q20": """
        select auction, bidder, price, channel, url, bid.date_time, bid.extra, item_name, description, initial_bid,
               reserve, auction.date_time, expires, seller, category, auction.extra
        from auction cross join bid on auction = id where category = 10""",
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
    "q23": """
        select auction, bidder, price, bid.date_time, name, city, state, auction.id, item_name, category
        from bid cross join person on bidder = person.id cross join auction on seller = bidder""",
}
