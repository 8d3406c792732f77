// A query and a form body: what is read survives being written and read again.
#include <string>
#include <string_view>

#include "require.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/http/message.hpp"

using namespace turnkeeper;
using turnkeeper::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool form : {false, true}) {
    const auto fields = form ? http::parse_form(text) : http::parse_query(text);
    if (!fields) {
      require(!fields.error().message.empty(), "an error says what is wrong");
      continue;
    }
    std::string again;
    for (const auto& [name, value] : *fields) again += percent_encode(name) + "=" + percent_encode(value) + "&";
    const auto reread = form ? http::parse_form(again) : http::parse_query(again);
    require(reread && *reread == *fields, "fields survive their text");
  }
  return 0;
}
