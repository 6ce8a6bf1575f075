package peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.LookupTableSource;
import org.apache.flink.table.connector.source.lookup.LookupFunctionProvider;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.LookupFunction;

/**
 * The connector `side`: lines KEY,VALUE of a file, looked up by KEY in memory. Flink's own file connector cannot be looked
 * up, and a join with its rows would keep every bid.
 */
public final class NexmarkSide implements DynamicTableSourceFactory {
  private static final ConfigOption<String> PATH = ConfigOptions.key("path").stringType().noDefaultValue();

  @Override
  public String factoryIdentifier() {
    return "side";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(PATH);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    return new Source(helper.getOptions().get(PATH));
  }

  private record Source(String path) implements LookupTableSource {
    @Override
    public LookupRuntimeProvider getLookupRuntimeProvider(LookupContext context) {
      return LookupFunctionProvider.of(new Lines(path));
    }

    @Override
    public DynamicTableSource copy() {
      return new Source(path);
    }

    @Override
    public String asSummaryString() {
      return "side";
    }
  }

  /** Public, as what Flink generates calls it. */
  public static final class Lines extends LookupFunction {
    private final String path;
    private transient Map<Long, Collection<RowData>> rows;

    Lines(String path) {
      this.path = path;
    }

    @Override
    public void open(FunctionContext context) {
      rows = new HashMap<>();
      try {
        for (String line : Files.readAllLines(Path.of(path))) add(line);
      } catch (IOException failed) {
        throw new UncheckedIOException(failed);
      }
    }

    private void add(String line) {
      int comma = line.indexOf(',');
      long key = Long.parseLong(line.substring(0, comma));
      rows.put(key, List.of(GenericRowData.of(key, StringData.fromString(line.substring(comma + 1)))));
    }

    @Override
    public Collection<RowData> lookup(RowData key) {
      return rows.getOrDefault(key.getLong(0), List.of());
    }
  }
}
