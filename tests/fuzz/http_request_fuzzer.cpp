// Bytes on a connection to our HTTP server, read as requests: how they are cut into pieces changes nothing, and what a
// handler gets to see keeps its promises. The first byte of the input says how long the pieces are.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "require.hpp"
#include "turnkeeper/http/message.hpp"
#include "turnkeeper/http/request_parser.hpp"
#include "turnkeeper/http/server.hpp"

using namespace turnkeeper::http;
using turnkeeper::fuzz::require;

namespace {

const Limits limits{.header_bytes = 1024, .body_bytes = 256};

// What a server would see, as text: each request, and how it ended.
std::string read_all(std::string_view bytes, std::size_t piece) {
  RequestParser parser(limits);
  std::string seen;
  std::string held;
  while (!bytes.empty()) {
    held += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    std::string_view rest = held;
    while (!rest.empty()) {
      const auto state = parser.feed(rest);
      (void)parser.take_expectation();
      if (state == RequestParser::State::more) break;
      if (state == RequestParser::State::refused) {
        require(parser.refusal().status >= 400 && parser.refusal().status < 500, "a refusal is the client's fault");
        return seen + "refused";
      }
      const Request& request = parser.request();
      require(request.body.size() <= limits.body_bytes, "the body keeps its limit");
      require(!request.path.empty(), "there is a path");
      std::set<std::string> names;
      std::size_t header_size = 0;
      seen += request.method + ' ' + request.path + '\n';
      for (const auto& [name, value] : request.headers) {
        for (const char c : name) require(c < 'A' || c > 'Z', "names are in lower case");
        require(names.insert(name).second, "a name is there once");
        require(value.find_first_of("\r\n") == std::string::npos, "a value is one line");
        require(&request.header(name) == &value, "a header is found by its name");
        header_size += name.size() + value.size();
        seen += name + ':' + value + '\n';
      }
      require(header_size <= limits.header_bytes, "the header keeps its limit");
      for (const auto& [name, value] : request.query) seen += name + '=' + value + '\n';
      seen += request.body + (parser.keep_alive() ? "\nkept\n" : "\nlast\n");
      parser.reset();
    }
    held = rest;
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string whole = read_all(text, text.size() + 1);
  const std::string pieces = read_all(text, data[0] % 16 + 1U);
  // A refusal may come sooner or later: a line that does not end is waited for, and given up on when it is too long.
  const auto served = [](std::string_view seen) {
    if (seen.ends_with("refused")) seen.remove_suffix(7);
    return seen;
  };
  const bool refused = whole.ends_with("refused") || pieces.ends_with("refused");
  const bool same_start = served(whole).starts_with(served(pieces)) || served(pieces).starts_with(served(whole));
  require(whole == pieces || (refused && same_start), "the pieces in which bytes arrive change nothing");
  for (const auto& fields : {parse_query(text), parse_form(text)}) {
    if (!fields) require(!fields.error().message.empty(), "an error says what is wrong");
  }
  return 0;
}
