#include "monitor/access/access_files.hpp"

#include <boost/asio/post.hpp>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/read_file.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t longest_file = 4 << 20;

std::set<std::string> files_of(const AccessConfig& config) {
  std::set<std::string> files;
  if (!config.api_key_file.empty()) files.insert(config.api_key_file);
  if (!config.api_keys_file.empty()) files.insert(config.api_keys_file);
  if (config.jwt && !is_url(config.jwt->jwks)) files.insert(config.jwt->jwks);
  return files;
}

}  // namespace

Result<AccessFileContents> read_access_files(const AccessConfig& config) {
  AccessFileContents contents;
  if (!config.api_keys_file.empty()) {
    const auto text = read_file(config.api_keys_file, longest_file);
    if (!text) return fail(text.error());
    auto keys = ApiKeys::parse(*text);
    if (!keys) return fail(keys.error().within(config.api_keys_file));
    contents.keys = std::move(*keys);
  }
  if (!config.api_key_file.empty()) {
    const auto key = Secret::from_file(config.api_key_file);
    if (!key) return fail(key.error());
    if (key->empty()) return fail(config.api_key_file + " is empty", "write the key into it");
    if (!contents.keys) contents.keys.emplace();
    contents.keys->add({.name = "key", .user = {}, .expires = {}}, *key);
  }
  if (config.jwt && !is_url(config.jwt->jwks)) {
    const auto text = read_file(config.jwt->jwks, longest_file);
    if (!text) return fail(text.error());
    auto keys = JwkSet::parse(*text, JwkSet::Secrets::allowed);
    if (!keys) return fail(keys.error().within(config.jwt->jwks));
    contents.jwt_keys = std::move(*keys);
  }
  return contents;
}

Result<std::unique_ptr<AccessFiles>> AccessFiles::follow(boost::asio::any_io_executor executor,
                                                         const AccessConfig& config, Gate& gate) {
  if (config.jwt) {
    if (auto sound = check_jwt(*config.jwt); !sound) return fail(sound.error());
  }
  auto contents = read_access_files(config);
  if (!contents) return fail(contents.error());
  std::unique_ptr<AccessFiles> files(new AccessFiles(std::move(executor), gate));
  files->take(std::move(*contents));
  if (config.jwt) {
    gate.set_jwt_rules(config.jwt->rules);
    if (is_url(config.jwt->jwks)) {
      files->fetch_.emplace(config.jwt->jwks, config.jwt->ca_file, [self = files.get()](JwkSet keys) {
        self->later([keys = std::move(keys)](AccessFiles& to) mutable { to.gate_.set_jwt_keys(std::move(keys)); });
      });
    }
  }
  if (auto names = files_of(config); !names.empty()) {
    const auto reread = [self = files.get(), config, names] {
      auto changed = read_access_files(config);
      if (changed) {
        self->later([changed = std::move(*changed)](AccessFiles& to) mutable {
          to.take(std::move(changed));
          log::info("read again who is let in");
        });
      } else {
        log::error("who is let in stays as it was", {{"error", changed.error().text()}});
      }
      return names;
    };
    files->watch_.emplace(names, reread, std::chrono::seconds(1));
  }
  return files;
}

AccessFiles::~AccessFiles() = default;

template <class Work>
void AccessFiles::later(Work work) {
  boost::asio::post(executor_, [weak = std::weak_ptr(alive_), work = std::move(work)]() mutable {
    if (const auto alive = weak.lock()) work(**alive);
  });
}

void AccessFiles::take(AccessFileContents contents) {
  if (contents.keys) gate_.set_keys(std::move(*contents.keys));
  if (contents.jwt_keys) gate_.set_jwt_keys(std::move(*contents.jwt_keys));
}

void AccessFiles::read_again() {
  if (watch_) watch_->read_again();
  if (fetch_) (void)fetch_->want();
}

bool AccessFiles::want_jwt_keys() {
  return fetch_ && fetch_->want();
}

}  // namespace turnkeeper::monitor
