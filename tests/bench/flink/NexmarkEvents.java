package peer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;

/**
 * The events of `generate --nexmark`, made the same way: what a column holds depends on the seed, the
 * event's number and the column alone. Ids are counted from 0 until FIRST_ID is added.
 */
final class NexmarkEvents {
  static final int PERSON = 0;
  static final int AUCTION = 1;
  static final int BID = 2;

  private static final long EPOCH = 50;
  private static final long AUCTIONS_AN_EPOCH = 3;
  private static final long FIRST_ID = 1000;
  private static final long START_MS = 1_436_918_400_000L;
  private static final long EVENTS_OPEN = 100 * EPOCH / AUCTIONS_AN_EPOCH;
  private static final int HOT_CHANNELS = 4;
  private static final int CHANNELS = 10_000;

  /** One of its columns: writes nothing down, so that a column nobody asks for costs nothing. */
  interface Column {
    Object of(long event);
  }

  /** What a random number is for, in the order that numbers the series. */
  private enum Draw {
    NONE, NAME, EMAIL, CARD, CITY, STATE, ITEM, DESCRIPTION, START_PRICE, RESERVE, LENGTH, SELLER, CATEGORY, AUCTION, BIDDER,
    PRICE, CHANNEL, EXTRA, LETTERS, URLS
  }

  private static final String[] FIRST_NAMES = {
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"
  };
  private static final String[] LAST_NAMES = {
    "Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"
  };
  private static final String[] CITIES = {
    "Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"
  };
  private static final String[] STATES = {"AZ", "CA", "ID", "OR", "WA", "WY"};
  private static final char[] CHARACTERS = characters();

  private final long seed;
  private final long eventsASecond;
  private final double[] prices = prices();
  private final byte[] letters;
  private final StringData[] channels = new StringData[HOT_CHANNELS + CHANNELS];
  private final StringData[] urls = new StringData[HOT_CHANNELS + CHANNELS];
  private final StringData[] cities = texts(CITIES);
  private final StringData[] states = texts(STATES);

  NexmarkEvents(long seed, long eventsASecond) {
    this.seed = seed;
    this.eventsASecond = eventsASecond;
    this.letters = letters();
    fillChannels();
  }

  static int kindOf(long event) {
    long offset = event % EPOCH;
    return offset == 0 ? PERSON : offset <= AUCTIONS_AN_EPOCH ? AUCTION : BID;
  }

  Column column(int kind, String name) {
    if (name.equals("date_time")) return this::time;
    switch (kind) {
      case PERSON: return person(name);
      case AUCTION: return auction(name);
      default: return bid(name);
    }
  }

  private Column person(String name) {
    switch (name) {
      case "id": return event -> FIRST_ID + lastPerson(event);
      case "name": return text(Draw.NAME, this::nameOf);
      case "email_address": return text(Draw.EMAIL, this::emailOf);
      case "credit_card": return text(Draw.CARD, this::cardOf);
      case "city": return shared(Draw.CITY, cities);
      case "state": return shared(Draw.STATE, states);
      case "extra": return personExtra();
      default: throw new IllegalArgumentException(name);
    }
  }

  private Column auction(String name) {
    long starts = series(Draw.START_PRICE);
    long more = series(Draw.RESERVE);
    switch (name) {
      case "id": return event -> FIRST_ID + lastAuction(event);
      case "item_name": return text(Draw.ITEM, start -> randomText(start, 20));
      case "description": return text(Draw.DESCRIPTION, start -> randomText(start, 100));
      case "initial_bid": return event -> price(of(starts, event));
      case "reserve": return event -> price(of(starts, event)) + price(of(more, event));
      case "expires": return expires();
      case "seller": return seller();
      case "category": return category();
      case "extra": return auctionExtra();
      default: throw new IllegalArgumentException(name);
    }
  }

  private Column bid(String name) {
    long chosen = series(Draw.CHANNEL);
    long priced = series(Draw.PRICE);
    switch (name) {
      case "auction": return bidAuction();
      case "bidder": return bidder();
      case "price": return event -> price(of(priced, event));
      case "channel": return event -> channels[channelOf(of(chosen, event))];
      case "url": return event -> urls[channelOf(of(chosen, event))];
      case "extra": return bidExtra();
      default: throw new IllegalArgumentException(name);
    }
  }

  // --- columns
  private Object time(long event) {
    return TimestampData.fromEpochMillis(millis(event));
  }

  private long millis(long event) {
    return START_MS + event * 1000 / eventsASecond;
  }

  private Column expires() {
    long lengths = series(Draw.LENGTH);
    return event -> {
      long begin = millis(event);
      long horizon = millis(event + EVENTS_OPEN) - begin;
      return TimestampData.fromEpochMillis(begin + 1 + below(of(lengths, event), Math.max(2 * horizon, 1)));
    };
  }

  private Column seller() {
    long series = series(Draw.SELLER);
    return event -> {
      long random = of(series, event);
      return FIRST_ID + ((random & 3) != 0 ? hot(lastPerson(event)) : somePerson(event, random));
    };
  }

  private Column category() {
    long series = series(Draw.CATEGORY);
    return event -> 10 + below(of(series, event), 5);
  }

  private Column bidAuction() {
    long series = series(Draw.AUCTION);
    return event -> {
      long random = of(series, event);
      return FIRST_ID + ((random & 1) != 0 ? hot(lastAuction(event)) : someAuction(event, random));
    };
  }

  private Column bidder() {
    long series = series(Draw.BIDDER);
    return event -> {
      long random = of(series, event);
      return 2 * FIRST_ID + ((random & 3) != 0 ? hot(lastPerson(event)) + 1 : somePerson(event, random));
    };
  }

  private Column bidExtra() {
    long series = series(Draw.EXTRA);
    return event -> filler(of(series, event), 32, 100);
  }

  private Column auctionExtra() {
    long items = series(Draw.ITEM);
    long descriptions = series(Draw.DESCRIPTION);
    long extras = series(Draw.EXTRA);
    return event -> {
      int size = randomText(of(items, event), 20).length() + randomText(of(descriptions, event), 100).length();
      return filler(of(extras, event), 48 + size, 500);
    };
  }

  private Column personExtra() {
    long names = series(Draw.NAME);
    long emails = series(Draw.EMAIL);
    long citySeries = series(Draw.CITY);
    long stateSeries = series(Draw.STATE);
    long extras = series(Draw.EXTRA);
    return event -> {
      int size = 8 + nameOf(of(names, event)).length() + emailOf(of(emails, event)).length() + 19
          + CITIES[(int) below(of(citySeries, event), CITIES.length)].length()
          + STATES[(int) below(of(stateSeries, event), STATES.length)].length();
      return filler(of(extras, event), size, 200);
    };
  }

  private interface Texts {
    String of(long start);
  }

  private Column text(Draw draw, Texts texts) {
    long series = series(draw);
    return event -> StringData.fromString(texts.of(of(series, event)));
  }

  private Column shared(Draw draw, StringData[] from) {
    long series = series(draw);
    return event -> from[(int) below(of(series, event), from.length)];
  }

  // --- who and what an event may refer to
  private static long lastPerson(long event) {
    return event / EPOCH;
  }

  private static long lastAuction(long event) {
    return event / EPOCH * AUCTIONS_AN_EPOCH + Math.min(event % EPOCH, AUCTIONS_AN_EPOCH) - 1;
  }

  private static long hot(long newest) {
    return newest / 100 * 100;
  }

  private static long somePerson(long event, long random) {
    long people = lastPerson(event) + 1;
    long active = Math.min(people, 1000);
    return people - active + below(random, active + 10);
  }

  private static long someAuction(long event, long random) {
    long newest = lastAuction(event);
    long oldest = Math.max(newest - 100, 0);
    return oldest + below(random, newest - oldest + 1 + 10);
  }

  private static int channelOf(long random) {
    if ((random & 1) != 0) return (int) (random >>> 1 & (HOT_CHANNELS - 1));
    return HOT_CHANNELS + (int) below(random, CHANNELS);
  }

  // --- random numbers
  private long series(Draw draw) {
    return mixed(mixed(seed) + draw.ordinal());
  }

  private static long of(long series, long event) {
    return mixed(series + event);
  }

  private static long mixed(long x) {
    x += 0x9e3779b97f4a7c15L;
    x = (x ^ (x >>> 30)) * 0xbf58476d1ce4e5b9L;
    x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
    return x ^ (x >>> 31);
  }

  private static long below(long random, long bound) {
    return Math.multiplyHigh(random, bound) + (random < 0 ? bound : 0);  // of the unsigned number
  }

  /** One number after the other. */
  private static final class Run {
    private long state;

    Run(long start) {
      state = start;
    }

    long next() {
      long random = mixed(state);
      state += 0x9e3779b97f4a7c15L;
      return random;
    }
  }

  private static double[] prices() {
    double[] table = new double[1025];
    double price = 100;
    for (int i = 0; i < table.length; ++i, price *= 1.0135831333340658) table[i] = price;
    return table;
  }

  private long price(long random) {
    double at = (random >>> 11) * 0x1.0p-53 * 1024;
    int step = (int) at;
    double price = prices[step] + (at - step) * (prices[step + 1] - prices[step]);
    return (long) (2 * price + 1) / 2;
  }

  // --- texts
  private static StringData[] texts(String[] from) {
    return Arrays.stream(from).map(StringData::fromString).toArray(StringData[]::new);
  }

  private static char[] characters() {
    char[] table = new char[1024];
    int specials = 1024 / 13 + 1;
    for (int i = specials; i < 1024; ++i) table[i] = (char) ('a' + (i - specials) * 26 / (1024 - specials));
    return table;
  }

  private static void addRandom(Run random, int most, char special, StringBuilder out) {
    long left = 3 + below(random.next(), most - 3);
    while (left > 0) {
      long bits = random.next();
      for (int i = 0; i < 6 && left > 0; ++i, --left, bits >>>= 10) {
        char c = CHARACTERS[(int) (bits & 1023)];
        out.append(c == 0 ? special : c);
      }
    }
  }

  private static String randomText(long start, int most) {
    StringBuilder out = new StringBuilder();
    addRandom(new Run(start), most, ' ', out);
    int begin = 0;
    int end = out.length();
    while (end > begin && out.charAt(end - 1) == ' ') --end;
    while (begin < end && out.charAt(begin) == ' ') ++begin;
    return out.substring(begin, end);
  }

  private String nameOf(long random) {
    return FIRST_NAMES[(int) below(random, FIRST_NAMES.length)] + ' '
        + LAST_NAMES[(int) below(mixed(random), LAST_NAMES.length)];
  }

  private String emailOf(long random) {
    return randomText(random, 7) + '@' + randomText(mixed(random), 5) + ".com";
  }

  private String cardOf(long start) {
    Run random = new Run(start);
    StringBuilder card = new StringBuilder();
    for (int group = 0; group < 4; ++group) {
      if (group > 0) card.append(' ');
      String digits = Long.toString(below(random.next(), 10_000));
      card.append("0000", 0, 4 - digits.length()).append(digits);
    }
    return card.toString();
  }

  private void fillChannels() {
    long starts = series(Draw.URLS);
    for (int i = 0; i < channels.length; ++i) {
      String name = i < HOT_CHANNELS ? new String[] {"Google", "Facebook", "Baidu", "Apple"}[i] : "channel-" + (i - HOT_CHANNELS);
      channels[i] = StringData.fromBytes(name.getBytes(StandardCharsets.UTF_8));
      urls[i] = StringData.fromBytes(url(i, new Run(of(starts, i))).getBytes(StandardCharsets.UTF_8));
    }
  }

  private static String url(int i, Run random) {
    StringBuilder url = new StringBuilder("https://www.nexmark.com/");
    for (int part = 0; part < 3; ++part) {
      addRandom(random, 5, '_', url);
      url.append('/');
    }
    url.append("item.htm?query=1");
    if (i >= HOT_CHANNELS && below(random.next(), 10) > 0) {
      url.append("&channel_id=").append(Math.abs((long) Integer.reverse(i - HOT_CHANNELS)));
    }
    return url.toString();
  }

  private byte[] letters() {
    byte[] out = new byte[1 << 20];
    Run random = new Run(of(series(Draw.LETTERS), 0));
    for (int i = 0; i < out.length; ) {
      long bits = random.next();
      for (int k = 0; k < 4 && i < out.length; ++k, bits >>>= 16) {
        out[i++] = (byte) ('a' + ((bits & 0xffff) * 26 >>> 16));
      }
    }
    return out;
  }

  private StringData filler(long random, long size, long average) {
    if (size > average) return StringData.fromString("");
    long wanted = average - size;
    long spread = (wanted * 2 + 5) / 10;
    long length = wanted - spread + (spread == 0 ? 0 : below(random << 32, 2 * spread));
    int begin = (int) below(random, letters.length - length);
    return StringData.fromBytes(letters, begin, (int) length);
  }
}
