// What our types are called in PostgreSQL, and rows as COPY's text.
#pragma once

#include <string>
#include <string_view>

#include "transport/record/batch.h"

namespace stream {

// "timestamp with time zone" for TIMESTAMP, …: the type of a column made for it.
std::string pg_type(Type type);

// The type for a column of PostgreSQL, by format_type()'s text: "numeric(10,2)", "character varying(20)". What we
// have nothing for becomes VARCHAR, as PostgreSQL prints it.
Type type_of_pg(std::string_view pg);

// Appends a value in COPY's text format.
void append_copy_value(const Column& column, std::size_t row, std::string& out);

// A value as PostgreSQL reads it, unescaped; it is not NULL.
std::string pg_text(const Column& column, std::size_t row);

}  // namespace stream
