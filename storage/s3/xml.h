// What S3 answers, read: small documents of known form. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/object_store.h"

namespace stream {

// What stands between <NAME> and </NAME>, for each of them in order; an element has none of its own name inside.
std::vector<std::string_view> elements(std::string_view xml, std::string_view name);
// The text of the first one, with its entities replaced; "" if there is none.
std::string text_of(std::string_view xml, std::string_view name);
// A text as it stands in a document.
std::string xml_escaped(std::string_view text);

struct ListPage {
  std::vector<ObjectFacts> objects;
  std::string next;  // token of the page behind; "" = this is the last
};
Result<ListPage> list_page(std::string_view xml);

struct UploadPage {
  std::vector<OpenUpload> uploads;
  bool truncated = false;
  std::string next_key;
  std::string next_id;
};
UploadPage upload_page(std::string_view xml);

std::string complete_document(const std::vector<UploadedPart>& parts);

}  // namespace stream
