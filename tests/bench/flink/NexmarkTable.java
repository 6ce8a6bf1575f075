package peer;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.source.RichParallelSourceFunction;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.SourceFunctionProvider;
import org.apache.flink.table.connector.source.abilities.SupportsProjectionPushDown;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/** The connector `nexmark`: a table of the events of one kind. Columns that a query does not use are not made. */
public final class NexmarkTable implements DynamicTableSourceFactory {
  private static final ConfigOption<Integer> KIND = ConfigOptions.key("kind").intType().noDefaultValue();
  private static final ConfigOption<Long> EVENTS = ConfigOptions.key("events").longType().noDefaultValue();
  private static final ConfigOption<Long> RATE = ConfigOptions.key("rate").longType().noDefaultValue();

  @Override
  public String factoryIdentifier() {
    return "nexmark";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(KIND, EVENTS, RATE);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    return new Scan(helper.getOptions().get(KIND), helper.getOptions().get(EVENTS), helper.getOptions().get(RATE),
        context.getPhysicalRowDataType());
  }

  private static final class Scan implements ScanTableSource, SupportsProjectionPushDown {
    private final int kind;
    private final long events;
    private final long rate;
    private DataType rows;

    Scan(int kind, long events, long rate, DataType rows) {
      this.kind = kind;
      this.events = events;
      this.rate = rate;
      this.rows = rows;
    }

    @Override
    public ChangelogMode getChangelogMode() {
      return ChangelogMode.insertOnly();
    }

    @Override
    public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
      List<String> columns = ((RowType) rows.getLogicalType()).getFieldNames();
      return SourceFunctionProvider.of(new Events(kind, events, rate, new ArrayList<>(columns)), true);
    }

    @Override
    public boolean supportsNestedProjection() {
      return false;
    }

    @Override
    public void applyProjection(int[][] fields, DataType produced) {
      rows = produced;
    }

    @Override
    public DynamicTableSource copy() {
      return new Scan(kind, events, rate, rows);
    }

    @Override
    public String asSummaryString() {
      return "nexmark";
    }
  }

  /** Makes the events in order; instances take turns, a block of event numbers each. */
  private static final class Events extends RichParallelSourceFunction<RowData> implements CheckpointedFunction {
    private static final long BLOCK = 1000;

    private final int kind;
    private final long events;
    private final long rate;
    private final List<String> columns;
    private long block;  // of this instance, to be begun next
    private transient ListState<Long> saved;
    private volatile boolean running = true;

    Events(int kind, long events, long rate, List<String> columns) {
      this.kind = kind;
      this.events = events;
      this.rate = rate;
      this.columns = columns;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
      saved = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("block", Long.class));
      for (Long value : saved.get()) block = value;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
      saved.update(List.of(block));
    }

    @Override
    public void run(SourceContext<RowData> out) {
      NexmarkEvents model = new NexmarkEvents(1, rate);
      NexmarkEvents.Column[] made = columns.stream().map(name -> model.column(kind, name)).toArray(NexmarkEvents.Column[]::new);
      int instances = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
      int instance = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
      while (running) {
        long begin = (block * instances + instance) * BLOCK;
        if (begin >= events) return;
        synchronized (out.getCheckpointLock()) {
          emit(begin, Math.min(begin + BLOCK, events), made, out);
          ++block;
        }
      }
    }

    private void emit(long begin, long end, NexmarkEvents.Column[] made, SourceContext<RowData> out) {
      for (long event = begin; event < end; ++event) {
        if (NexmarkEvents.kindOf(event) != kind) continue;
        GenericRowData row = new GenericRowData(made.length);
        for (int i = 0; i < made.length; ++i) row.setField(i, made[i].of(event));
        out.collect(row);
      }
    }

    @Override
    public void cancel() {
      running = false;
    }
  }
}
