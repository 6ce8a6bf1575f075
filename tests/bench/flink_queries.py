"""Nexmark's queries in Flink's SQL, for the benchmark. Results go to its blackhole, those of q10 to files.

In the statements EVENTS is the number of events, FOLDER a folder for files, and SIDE the side input of q13.
"""

KINDS = {
    "person": "id BIGINT, name STRING, email_address STRING, credit_card STRING, city STRING, state STRING, "
              "date_time TIMESTAMP(3), extra STRING",
    "auction": "id BIGINT, item_name STRING, description STRING, initial_bid BIGINT, reserve BIGINT, date_time TIMESTAMP(3), "
               "expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING",
    "bid": "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, date_time TIMESTAMP(3), extra STRING",
}


def tables(rate):
    return [f"CREATE TEMPORARY TABLE {name} ({columns}, WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND) "
            f"WITH ('connector' = 'nexmark', 'kind' = '{kind}', 'events' = 'EVENTS', 'rate' = '{rate}')"
            for kind, (name, columns) in enumerate(KINDS.items())]


RANGES = ["TRUE", "price < 10000", "price >= 10000 AND price < 1000000", "price >= 1000000"]
COUNTS = ", ".join(f"COUNT(*) FILTER (WHERE {range})" for range in RANGES)
DAY = "DATE_FORMAT(date_time, 'yyyy-MM-dd')"


def distinct(column):
    return ", ".join(f"COUNT(DISTINCT {column}) FILTER (WHERE {range})" for range in RANGES)


HOPS = ("SELECT auction, COUNT(*) AS num, window_start, window_end FROM TABLE(HOP(TABLE bid, DESCRIPTOR(date_time), "
        "INTERVAL '2' SECOND, INTERVAL '10' SECOND)) GROUP BY auction, window_start, window_end")
WINNERS = ("SELECT A.*, B.auction, B.bidder, B.price, B.date_time AS bid_date_time, B.extra AS bid_extra, ROW_NUMBER() OVER "
           "(PARTITION BY A.id ORDER BY B.price DESC, B.date_time) AS place FROM auction AS A JOIN bid AS B "
           "ON A.id = B.auction AND B.date_time BETWEEN A.date_time AND A.expires")

QUERIES = {
    "q0": "SELECT auction, bidder, price, date_time, extra FROM bid",
    "q1": "SELECT auction, bidder, CAST(0.908 * price AS DECIMAL(23, 3)) AS price, date_time, extra FROM bid",
    "q2": "SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0",
    "q3": "SELECT P.name, P.city, P.state, A.id FROM auction AS A JOIN person AS P ON A.seller = P.id "
          "WHERE A.category = 10 AND P.state IN ('OR', 'ID', 'CA')",
    "q4": "SELECT category, AVG(final) AS price FROM (SELECT A.id, A.category, MAX(B.price) AS final FROM auction AS A JOIN "
          "bid AS B ON A.id = B.auction AND B.date_time BETWEEN A.date_time AND A.expires GROUP BY A.id, A.category) "
          "GROUP BY category",
    "q5": f"SELECT C.auction, C.num FROM ({HOPS}) AS C JOIN (SELECT MAX(num) AS top, window_start, window_end FROM ({HOPS}) "
          "GROUP BY window_start, window_end) AS M ON C.window_start = M.window_start AND C.window_end = M.window_end "
          "AND C.num >= M.top",
    # As our manual defines it: the reference's own SQL is refused, as ranges of rows may not be updated there.
    "q6": "SELECT seller, SUM(price) / COUNT(*) AS average FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY seller ORDER BY expires "
          "DESC, id DESC) AS place FROM (SELECT A.id, A.seller, A.expires, MAX(B.price) AS price FROM auction AS A JOIN bid AS B "
          "ON A.id = B.auction AND B.date_time BETWEEN A.date_time AND A.expires GROUP BY A.id, A.seller, A.expires)) "
          "WHERE place <= 10 GROUP BY seller",
    "q7": "SELECT B.auction, B.bidder, B.price, B.date_time, B.extra FROM bid AS B JOIN (SELECT MAX(price) AS top, window_end "
          "FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY window_start, window_end) AS M "
          "ON B.price = M.top AND B.date_time BETWEEN M.window_end - INTERVAL '10' SECOND AND M.window_end",
    "q8": "SELECT P.id, P.name, P.window_start FROM (SELECT id, name, window_start, window_end FROM TABLE(TUMBLE(TABLE person, "
          "DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY id, name, window_start, window_end) AS P JOIN (SELECT seller, "
          "window_start, window_end FROM TABLE(TUMBLE(TABLE auction, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY "
          "seller, window_start, window_end) AS A ON P.id = A.seller AND P.window_start = A.window_start "
          "AND P.window_end = A.window_end",
    "q9": "SELECT id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra, auction, "
          f"bidder, price, bid_date_time, bid_extra FROM ({WINNERS}) WHERE place <= 1",
    "q10": f"SELECT auction, bidder, price, date_time, extra, {DAY}, DATE_FORMAT(date_time, 'HH:mm') FROM bid",
    "q11": "SELECT bidder, COUNT(*) AS bids, window_start, window_end FROM TABLE(SESSION(TABLE bid PARTITION BY bidder, "
           "DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY bidder, window_start, window_end",
    "q12": "SELECT bidder, COUNT(*) AS bids, window_start, window_end FROM TABLE(TUMBLE(TABLE bid_now, DESCRIPTOR(now), "
           "INTERVAL '10' SECOND)) GROUP BY bidder, window_start, window_end",
    "q13": "SELECT B.auction, B.bidder, B.price, B.date_time, S.`value` FROM bid_side AS B JOIN side FOR SYSTEM_TIME AS OF B.now AS S "
           "ON MOD(B.auction, 10000) = S.key",
    "q14": "SELECT auction, bidder, CAST(0.908 * price AS DECIMAL(23, 3)) AS price, CASE WHEN HOUR(date_time) BETWEEN 8 AND 18 "
           "THEN 'dayTime' WHEN HOUR(date_time) <= 6 OR HOUR(date_time) >= 20 THEN 'nightTime' ELSE 'otherTime' END AS bid_time, "
           "date_time, extra, CHAR_LENGTH(extra) - CHAR_LENGTH(REPLACE(extra, 'c', '')) AS c_counts FROM bid "
           "WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000",
    "q15": f"SELECT {DAY}, {COUNTS}, {distinct('bidder')}, {distinct('auction')} FROM bid GROUP BY {DAY}",
    "q16": f"SELECT channel, {DAY}, MAX(DATE_FORMAT(date_time, 'HH:mm')), {COUNTS}, {distinct('bidder')}, "
           f"{distinct('auction')} FROM bid GROUP BY channel, {DAY}",
    "q17": f"SELECT auction, {DAY}, {COUNTS}, MIN(price), MAX(price), AVG(price), SUM(price) FROM bid GROUP BY auction, {DAY}",
    "q18": "SELECT auction, bidder, price, channel, url, date_time, extra FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, "
           "auction ORDER BY date_time DESC) AS place FROM bid) WHERE place <= 1",
    "q19": "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bid) "
           "WHERE place <= 10",
    "q20": "SELECT B.auction, B.bidder, B.price, B.channel, B.url, B.date_time, B.extra, A.item_name, A.description, "
           "A.initial_bid, A.reserve, A.date_time AS auction_date_time, A.expires, A.seller, A.category, A.extra AS auction_extra "
           "FROM bid AS B JOIN auction AS A ON B.auction = A.id WHERE A.category = 10",
    "q21": "SELECT * FROM (SELECT auction, bidder, price, channel, CASE LOWER(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' "
           "WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) END "
           "AS channel_id FROM bid) WHERE channel_id IS NOT NULL AND channel_id <> ''",
    "q22": "SELECT auction, bidder, price, channel, SPLIT_INDEX(url, '/', 3) AS dir1, SPLIT_INDEX(url, '/', 4) AS dir2, "
           "SPLIT_INDEX(url, '/', 5) AS dir3 FROM bid",
    "q23": "SELECT B.auction, B.bidder, B.price, B.date_time, P.name, P.city, P.state, A.id, A.item_name, A.category "
           "FROM bid AS B JOIN person AS P ON B.bidder = P.id JOIN auction AS A ON A.seller = B.bidder",
}

# What the clock says is a column of its own.
MORE_TABLES = {
    "q12": ["CREATE TEMPORARY TABLE bid_now (bidder BIGINT, now AS PROCTIME()) WITH ('connector' = 'nexmark', 'kind' = '2', "
            "'events' = 'EVENTS', 'rate' = '{rate}')"],
    "q13": [f"CREATE TEMPORARY TABLE bid_side ({KINDS['bid']}, now AS PROCTIME()) WITH ('connector' = 'nexmark', 'kind' = '2', "
            "'events' = 'EVENTS', 'rate' = '{rate}')",
            "CREATE TEMPORARY TABLE side (key BIGINT, `value` STRING) WITH ('connector' = 'side', 'path' = 'SIDE')"],
    "q10": ["CREATE TEMPORARY TABLE files (auction BIGINT, bidder BIGINT, price BIGINT, date_time TIMESTAMP(3), extra STRING, "
            "`day` STRING, `minute` STRING) PARTITIONED BY (`day`, `minute`) WITH ('connector' = 'filesystem', 'path' = "
            "'file://FOLDER/q10', 'format' = 'csv', 'sink.partition-commit.trigger' = 'partition-time', 'sink.partition-commit.delay' = "
            "'1 min', 'sink.partition-commit.policy.kind' = 'success-file', 'partition.time-extractor.timestamp-pattern' = "
            "'$day $minute:00', 'sink.partition-commit.watermark-time-zone' = 'UTC')"],
}

# Over every column of the events of a kind; our own aggregate understands them too, but for the length's name.
CHECKS = {
    "person": "COUNT(*), SUM(id), SUM(CHAR_LENGTH(name) + CHAR_LENGTH(email_address)), MAX(credit_card), MAX(email_address), "
              "COUNT(DISTINCT city), COUNT(DISTINCT state), SUM(CHAR_LENGTH(extra)), MAX(extra)",
    "auction": "COUNT(*), SUM(id), SUM(initial_bid), SUM(reserve), SUM(seller), SUM(category), "
               "SUM(CHAR_LENGTH(item_name) + CHAR_LENGTH(description)), MAX(description), SUM(CHAR_LENGTH(extra)), MAX(extra)",
    "bid": "COUNT(*), SUM(auction), SUM(bidder), SUM(price), MAX(channel), SUM(CHAR_LENGTH(url)), MAX(url), "
           "SUM(CHAR_LENGTH(extra)), MAX(extra)",
}


def statements(query, rate):
    made = tables(rate) + [statement.replace("{rate}", str(rate)) for statement in MORE_TABLES.get(query, [])]
    results = "INSERT INTO files" if query == "q10" else "CREATE TABLE results WITH ('connector' = 'blackhole') AS"
    return [*made, f"{results} {QUERIES[query]}"]
