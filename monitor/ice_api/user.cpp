#include "monitor/ice_api/user.hpp"

#include <algorithm>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t longest_name = 100;  // of the 128 bytes that a user may have

std::string user_of_its_own(std::string caller) {
  const auto odd = [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_');
  };
  std::ranges::replace_if(caller, odd, '-');
  return caller.substr(0, longest_name) + '~' + hex_encode(random_bytes(4));
}

}  // namespace

tl::expected<std::string, Trouble> user_for(const Caller& caller, const std::string& asked, bool must_name_user) {
  if (caller.user) {
    if (asked.empty() || asked == *caller.user) return *caller.user;
    return tl::unexpected(Trouble{.status = 403,
                                  .error = {"this key is good for another user's credentials only",
                                            "leave the user out, or ask with a key that is good for anybody's"}});
  }
  if (!asked.empty() || must_name_user) return asked;
  return user_of_its_own(caller.name);
}

}  // namespace turnkeeper::monitor
