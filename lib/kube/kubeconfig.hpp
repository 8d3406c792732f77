// kubeconfig files as kubectl writes them. Several files merge as kubectl merges them: for each name the first file
// that has it wins, and the first current-context too. Understood: certificate-authority(-data),
// client-certificate(-data), client-key(-data), token, tokenFile, insecure-skip-tls-verify, namespace. A feature that
// changes who we are or where we go but is not understood (exec plugins, proxies, impersonation, tls-server-name) is an
// error, never ignored.
#pragma once

#include <string>
#include <vector>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/kube/config.hpp"

namespace turnkeeper::kube {

// Errors carry file:line:column. Relative paths in a file are relative to that file. Of several paths, missing files
// are skipped; when none is there, that is the error.
[[nodiscard]] turnkeeper::Result<Config> load_kubeconfig(const std::vector<std::string>& paths);

// One kubeconfig that somebody else wrote, such as the content of a Secret; `source` names it in messages. It has to
// hold everything itself: a path in it is an error, since it would be read with this process's rights.
[[nodiscard]] turnkeeper::Result<Config> parse_kubeconfig(const std::string& text, const std::string& source);

// "a:b" -> {"a", "b"}; empty parts are dropped.
[[nodiscard]] std::vector<std::string> split_kubeconfig_paths(const std::string& joined);

}  // namespace turnkeeper::kube
