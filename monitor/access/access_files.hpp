// What the gate decides by, from the files and the URL that the configuration names: read at the start, and again when
// they change. A file with mistakes is logged, and what was read before stays.
//
//   Gate gate({.per_caller = config.per_caller, .on_unknown_key = [&] { return files && files->want_jwt_keys(); }});
//   auto files = AccessFiles::follow(io.get_executor(), config, gate);
//   if (!files) return fail(files.error());
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>

#include "monitor/access/access_config.hpp"
#include "monitor/access/gate.hpp"
#include "monitor/access/jwks_fetch.hpp"
#include "turnkeeper/base/file_watch.hpp"

namespace turnkeeper::monitor {

struct AccessFileContents {
  std::optional<ApiKeys> keys;     // nothing: no file of keys is named
  std::optional<JwkSet> jwt_keys;  // nothing: no file of them is named
};
[[nodiscard]] Result<AccessFileContents> read_access_files(const AccessConfig& config);

class AccessFiles {
 public:
  // The gate is told on the executor; it outlives this object, which is destroyed there too. Errors: a file cannot be
  // read or has mistakes. A URL that does not answer is none.
  [[nodiscard]] static Result<std::unique_ptr<AccessFiles>> follow(boost::asio::any_io_executor executor,
                                                                   const AccessConfig& config, Gate& gate);
  ~AccessFiles();
  AccessFiles(const AccessFiles&) = delete;
  AccessFiles& operator=(const AccessFiles&) = delete;

  // On SIGHUP. Thread-safe.
  void read_again();
  // A key for tokens is missing; true: it is being asked for.
  bool want_jwt_keys();

 private:
  AccessFiles(boost::asio::any_io_executor executor, Gate& gate) : executor_(std::move(executor)), gate_(gate) {}
  void take(AccessFileContents contents);
  template <class Work>
  void later(Work work);

  boost::asio::any_io_executor executor_;
  Gate& gate_;
  std::shared_ptr<AccessFiles*> alive_ = std::make_shared<AccessFiles*>(this);
  std::optional<JwksFetch> fetch_;
  std::optional<FileWatch> watch_;
};

}  // namespace turnkeeper::monitor
