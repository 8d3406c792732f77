#include "turnkeeper/api/problem.hpp"

namespace turnkeeper::api {

std::string problem_text(const Problem& problem, std::string_view file) {
  std::string text(file);
  if (problem.line > 0) {
    if (!text.empty()) text += ':';
    text += std::to_string(problem.line) + ':' + std::to_string(problem.column);
  }
  if (!text.empty()) text += ": ";
  if (!problem.field.empty()) text += problem.field + ": ";
  text += problem.message;
  if (!problem.advice.empty()) text += "; " + problem.advice;
  return text;
}

std::string problems_text(const Problems& problems, std::string_view file) {
  std::string text;
  for (const auto& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem_text(problem, file);
  }
  return text;
}

}  // namespace turnkeeper::api
