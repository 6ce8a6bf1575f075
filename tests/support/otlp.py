"""What OpenTelemetry's protocol is as JSON over HTTP: the messages of its protobuf files that a reporter can send, as
protobuf's own JSON mapping has them: names in camelCase, 64-bit numbers as texts, ids in hexadecimal, enums as numbers."""

import json
import math
import re

# A field: its name and type. "[X]" is a list; "a|b" stands for the one of these fields that must be there.
MESSAGES = {
    "ExportMetricsServiceRequest": "resourceMetrics:[ResourceMetrics]",
    "ExportTraceServiceRequest": "resourceSpans:[ResourceSpans]",
    "ExportLogsServiceRequest": "resourceLogs:[ResourceLogs]",
    "ResourceMetrics": "resource:Resource scopeMetrics:[ScopeMetrics] schemaUrl:string",
    "ResourceSpans": "resource:Resource scopeSpans:[ScopeSpans] schemaUrl:string",
    "ResourceLogs": "resource:Resource scopeLogs:[ScopeLogs] schemaUrl:string",
    "Resource": "attributes:[KeyValue] droppedAttributesCount:uint32",
    "ScopeMetrics": "scope:InstrumentationScope metrics:[Metric] schemaUrl:string",
    "ScopeSpans": "scope:InstrumentationScope spans:[Span] schemaUrl:string",
    "ScopeLogs": "scope:InstrumentationScope logRecords:[LogRecord] schemaUrl:string",
    "InstrumentationScope": "name:string version:string attributes:[KeyValue] droppedAttributesCount:uint32",
    "KeyValue": "key:string value:AnyValue",
    "AnyValue": "stringValue:string boolValue:bool intValue:int64 doubleValue:double arrayValue:ArrayValue kvlistValue:KeyValueList bytesValue:string",
    "ArrayValue": "values:[AnyValue]",
    "KeyValueList": "values:[KeyValue]",
    "Metric": "name:string description:string unit:string metadata:[KeyValue] gauge:Gauge sum:Sum histogram:Histogram summary:Summary",
    "Gauge": "dataPoints:[NumberDataPoint]",
    "Sum": "dataPoints:[NumberDataPoint] aggregationTemporality:enum2 isMonotonic:bool",
    "Histogram": "dataPoints:[HistogramDataPoint] aggregationTemporality:enum2",
    "Summary": "dataPoints:[SummaryDataPoint]",
    "NumberDataPoint": "attributes:[KeyValue] startTimeUnixNano:uint64 timeUnixNano:uint64 asDouble:double asInt:int64 flags:uint32",
    "HistogramDataPoint": "attributes:[KeyValue] startTimeUnixNano:uint64 timeUnixNano:uint64 count:uint64 sum:double bucketCounts:[uint64] "
                          "explicitBounds:[double] flags:uint32 min:double max:double",
    "SummaryDataPoint": "attributes:[KeyValue] startTimeUnixNano:uint64 timeUnixNano:uint64 count:uint64 sum:double quantileValues:[ValueAtQuantile] flags:uint32",
    "ValueAtQuantile": "quantile:double value:double",
    "Span": "traceId:trace-id spanId:span-id traceState:string parentSpanId:span-id flags:uint32 name:string kind:enum5 startTimeUnixNano:uint64 "
            "endTimeUnixNano:uint64 attributes:[KeyValue] droppedAttributesCount:uint32 droppedEventsCount:uint32 droppedLinksCount:uint32 status:Status",
    "Status": "message:string code:enum2",
    "LogRecord": "timeUnixNano:uint64 observedTimeUnixNano:uint64 severityNumber:enum24 severityText:string body:AnyValue attributes:[KeyValue] "
                 "droppedAttributesCount:uint32 flags:uint32 traceId:trace-id spanId:span-id eventName:string",
}
# Without these a receiver has nothing to keep, or says that the message is wrong.
NEEDED = {"KeyValue": {"key", "value"}, "Metric": {"name"}, "Span": {"traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"},
          "NumberDataPoint": {"timeUnixNano"}, "SummaryDataPoint": {"timeUnixNano", "count"}, "Sum": {"aggregationTemporality"},
          "LogRecord": {"timeUnixNano", "observedTimeUnixNano", "severityNumber", "body"}, "InstrumentationScope": {"name"},
          "ResourceMetrics": {"resource"}, "ResourceSpans": {"resource"}, "ResourceLogs": {"resource"}}
ONE_OF = {"Metric": {"gauge", "sum", "histogram", "summary"}, "NumberDataPoint": {"asDouble", "asInt"},
          "AnyValue": {"stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"}}


def is_digits(value, least, most):
    return isinstance(value, str) and re.fullmatch("0|-?[1-9][0-9]*", value) and least <= int(value) <= most


def is_whole(value, most):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def is_id(value, digits):
    return isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{digits}}}", value) and int(value, 16) != 0


SCALARS = {
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "double": lambda value: (isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)) or value in ("NaN", "Infinity", "-Infinity"),
    "uint32": lambda value: is_whole(value, 2**32 - 1),
    "int64": lambda value: is_digits(value, -2**63, 2**63 - 1),
    "uint64": lambda value: is_digits(value, 0, 2**64 - 1),
    "trace-id": lambda value: is_id(value, 32),
    "span-id": lambda value: is_id(value, 16),
}


def faults(value, kind, where=""):
    """What is wrong with a message of this kind, each with its place."""
    if kind.startswith("["):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [fault for number, one in enumerate(value) for fault in faults(one, kind[1:-1], f"{where}[{number}]")]
    if kind.startswith("enum"):
        return [] if is_whole(value, int(kind[4:])) else [f"{where} is no number of an enum: {value!r}"]
    if kind in SCALARS:
        return [] if SCALARS[kind](value) else [f"{where} is no {kind}: {value!r}"]
    if not isinstance(value, dict):
        return [f"{where} is no {kind}: {value!r}"]
    fields = dict(field.split(":", 1) for field in MESSAGES[kind].split())
    found = [f"{where} has '{name}', which {kind} does not" for name in value if name not in fields]
    found += [f"{where} lacks '{name}'" for name in NEEDED.get(kind, set()) - set(value)]
    there = ONE_OF.get(kind, set()) & set(value)
    if kind in ONE_OF and len(there) != 1:
        found.append(f"{where} has {sorted(there)}, and must have one of {sorted(ONE_OF[kind])}")
    for name in set(value) & set(fields):
        found += faults(value[name], fields[name], f"{where}.{name}")
    keys = [one.get("key") for one in value.get("attributes", []) if isinstance(one, dict)]
    return found + ([f"{where} has an attribute twice: {keys}"] if len(set(keys)) != len(keys) else [])


def request_faults(path, text):
    """Of a request as it was sent."""
    kind = {"metrics": "ExportMetricsServiceRequest", "traces": "ExportTraceServiceRequest", "logs": "ExportLogsServiceRequest"}[path.rpartition("/v1/")[2]]
    return faults(json.loads(text), kind, kind)
