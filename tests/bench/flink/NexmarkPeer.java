package peer;

import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/**
 * Runs one query twice in one process: first over few events, so that code is loaded and compiled, then
 * measured. Prints "seconds CPU-seconds" of the second run, or, of a query that is not an INSERT, its rows.
 *
 * <p>Arguments: file with statements (separated by lines of ";"), folder for checkpoints, parallelism,
 * events first, events measured. EVENTS in the statements is replaced.
 */
public final class NexmarkPeer {
  private NexmarkPeer() {}

  public static void main(String[] args) throws Exception {
    String text = Files.readString(Path.of(args[0]));
    PrintStream out = System.out;
    run(text.replace("EVENTS", args[3]), args[1], args[2], null);
    long began = System.nanoTime();
    long used = cpu();
    run(text.replace("EVENTS", args[4]), args[1], args[2], out);
    out.printf("%.3f %.3f%n", (System.nanoTime() - began) / 1e9, (cpu() - used) / 1e9);
    System.exit(0);
  }

  private static long cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  private static Configuration settings(String folder, String parallelism) {
    Configuration settings = new Configuration();
    settings.setString("parallelism.default", parallelism);
    settings.setString("pipeline.object-reuse", "true");
    settings.setString("execution.checkpointing.interval", "1 s");
    settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
    settings.setString("execution.checkpointing.dir", "file://" + folder);
    settings.setString("state.backend.type", "hashmap");
    settings.setString("table.exec.mini-batch.enabled", "true");
    settings.setString("table.exec.mini-batch.allow-latency", "2 s");
    settings.setString("table.exec.mini-batch.size", "50000");
    settings.setString("table.optimizer.distinct-agg.split.enabled", "true");
    settings.setString("table.local-time-zone", "UTC");
    return settings;
  }

  private static void run(String text, String folder, String parallelism, PrintStream out) throws Exception {
    TableEnvironment tables = TableEnvironment.create(
        EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings(folder, parallelism)).build());
    List<String> statements = List.of(text.split("\n;\n"));
    for (String statement : statements.subList(0, statements.size() - 1)) tables.executeSql(statement).await();
    String last = statements.get(statements.size() - 1).strip();
    TableResult result = tables.executeSql(last);
    if (last.startsWith("CREATE TABLE") || last.startsWith("INSERT")) {
      result.await();
      return;
    }
    try (CloseableIterator<Row> rows = result.collect()) {
      while (rows.hasNext()) {
        Row row = rows.next();
        if (out != null) out.println(row);
      }
    }
  }
}
