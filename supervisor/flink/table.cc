// Which stages and options there are counterparts of.
#include <array>

#include "supervisor/flink/stage.h"

namespace stream::flink {
namespace {

constexpr std::array kStages = {
    StageRow{"aggregate", "SELECT … GROUP BY; windows are TUMBLE, HOP, CUMULATE and SESSION",
             "compute by window zone clock emit combine", aggregate},
    StageRow{"assign-time", "the WATERMARK of the source in front", "time as out-of-order zone", assign_time},
    StageRow{"dedup", "ROW_NUMBER() OVER (… ORDER BY time) <= 1", "by keep", dedup},
    StageRow{"filter", "SELECT … WHERE", "where", filter},
    StageRow{"generate", "connector datagen, a sequence n",
             "columns rows rate seed nexmark event-rate shuffle matching-bidders", generate},
    StageRow{"join", "JOIN; an interval join where event times are bounded", "columns on kind", join},
    StageRow{"lookup", "JOIN with the table of a file that never changes",
             "columns on path as kind static reference-schema format header delimiter zone record-size-max", lookup},
    StageRow{"print", "connector print", "format", print},
    StageRow{"read-file", "connector filesystem",
             "path format header delimiter zone sample-size split-size unknown-fields record-size-max follow pattern "
             "time-format time-unit key",
             read_file},
    StageRow{"read-kafka", "connector kafka",
             "topic servers start stop-at-end isolation discover-every group format delimiter zone unknown-fields "
             "record-size-max patience",
             read_kafka},
    StageRow{"select", "SELECT", "columns", select},
    StageRow{"top-n", "ROW_NUMBER() OVER (… ORDER BY …) <= n", "by order limit rank", top_n},
    StageRow{"write-file", "connector filesystem", "path format if-exists roll-size roll-every delimiter header",
             write_file},
    StageRow{"write-kafka", "connector kafka, exactly once",
             "topic servers key format delimiter transactional-id patience", write_kafka},
    StageRow{"write-null", "connector blackhole", "", write_null},
};

constexpr std::array kRefusedOptions = {
    RefusedOption{"aggregate", "early", "leave it out: windows are told once, at their end"},
    RefusedOption{"aggregate", "lateness",
                  "leave it out, and let watermarks wait longer with the source's 'out-of-order'"},
    RefusedOption{"assign-time", "time-format", "let the source read the time with its 'schema'"},
    RefusedOption{"assign-time", "time-unit", "let the source read the time with its 'schema'"},
    RefusedOption{"print", "format", "leave it out"},
    RefusedOption{"read-file", "follow", "read from Kafka what goes on, or set it to false"},
    RefusedOption{"read-file", "pattern", "parse the lines before Flink reads them"},
    RefusedOption{"read-file", "time-format", "write times as ISO 8601 says"},
    RefusedOption{"read-file", "time-unit", "write times as ISO 8601 says"},
    RefusedOption{"read-kafka", "password", "Flink would have it in the script: add it there"},
    RefusedOption{"read-kafka", "property", "these are librdkafka's: add those of Java's client to the script"},
    RefusedOption{"write-file", "by", "write one folder"},
    RefusedOption{"write-kafka", "property", "these are librdkafka's: add those of Java's client to the script"},
    RefusedOption{"write-kafka", "password", "Flink would have it in the script: add it there"},
    RefusedOption{"", "idle", "give it to the cluster as table.exec.source.idle-timeout"},
    RefusedOption{"", "hosts", "Flink places its own processes"},
};

constexpr std::array kRefusedStages = {
    RefusedStage{"exec", "a program of one's own is a user-defined function there"},
    RefusedStage{"explode", "arrays in JSON and separators in texts are taken apart by user-defined functions there"},
    RefusedStage{"fill", "Flink has no rows that are not there"},
    RefusedStage{"listen", "let it write to Kafka, and read from there"},
    RefusedStage{"lua", "write it in SQL"},
    RefusedStage{"match", "patterns are not translated; write MATCH_RECOGNIZE in a script of your own"},
    RefusedStage{"read-mqtt", "let another pipeline write it to Kafka"},
    RefusedStage{"read-nats", "let another pipeline write it to Kafka"},
    RefusedStage{"read-postgres", "let Debezium or another pipeline write it to Kafka"},
    RefusedStage{"read-redis", "let another pipeline write it to Kafka"},
    RefusedStage{"read-sqlite", "write it to files first"},
    RefusedStage{"replay", "recordings are read by no other program"},
    RefusedStage{"route", "use a filter for each route"},
    RefusedStage{"sample", "use a filter on a column"},
    RefusedStage{"sort", "Flink orders rows of a stream by nothing but time"},
    RefusedStage{"throttle", "Flink has no stage that slows down"},
    RefusedStage{"write-http", "write to Kafka, and send from there"},
    RefusedStage{"write-nats", "write to Kafka, and send from there"},
    RefusedStage{"write-postgres",
                 "--set stages.NAME.run=… another sink, or use Flink's connector jdbc in a script of your own"},
    RefusedStage{"write-redis", "write to Kafka, and send from there"},
    RefusedStage{"write-sqlite", "Flink's processes share no disk: write files, or to Kafka"},
};

}  // namespace

std::span<const StageRow> stage_rows() { return kStages; }
std::span<const RefusedOption> refused_options() { return kRefusedOptions; }
std::span<const RefusedStage> refused_stages() { return kRefusedStages; }

}  // namespace stream::flink
