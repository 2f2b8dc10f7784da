// Hyperscan at the benchmark's lines: reads the rules once, then runs one pass for each line on stdin.
//
//   hyperscan RULES DATA        RULES: a line each, "s<text>" or "r<expression>"
//
// "data PATH" takes other lines; "lines" passes over them one call a line, "batches" one call for each 100
// lines. Answers "ready SECONDS" when compiled, then for each pass "NANOSECONDS MATCHES".
#include <hs/hs.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Rules {
  std::vector<std::string> patterns;
  hs_database_t *lines = nullptr;
  hs_database_t *batches = nullptr;
  hs_scratch_t *scratch = nullptr;
};

[[noreturn]] void fail(const std::string &why) {
  std::cerr << why << std::endl;
  std::exit(1);
}

std::string escaped(const std::string &text) {
  std::string result;
  for (char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) result += '\\';
    result += c;
  }
  return result;
}

std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read " + path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

hs_database_t *compile(const Rules &rules, unsigned flags) {
  std::vector<const char *> expressions;
  std::vector<unsigned> allFlags(rules.patterns.size(), flags);
  std::vector<unsigned> ids;
  for (size_t i = 0; i < rules.patterns.size(); i++) {
    expressions.push_back(rules.patterns[i].c_str());
    ids.push_back(static_cast<unsigned>(i));
  }
  hs_database_t *database = nullptr;
  hs_compile_error_t *error = nullptr;
  if (hs_compile_multi(expressions.data(), allFlags.data(), ids.data(),
                       static_cast<unsigned>(ids.size()), HS_MODE_BLOCK, nullptr, &database,
                       &error) != HS_SUCCESS) {
    fail(std::string("cannot compile: ") + error->message);
  }
  return database;
}

int count(unsigned, unsigned long long, unsigned long long, unsigned, void *context) {
  ++*static_cast<uint64_t *>(context);
  return 0;
}

uint64_t passLines(const Rules &rules, const std::string &data) {
  uint64_t matches = 0;
  const char *at = data.data();
  const char *end = at + data.size();
  while (at < end) {
    const char *stop = static_cast<const char *>(std::memchr(at, '\n', end - at));
    if (stop == nullptr) stop = end;
    hs_scan(rules.lines, at, static_cast<unsigned>(stop - at), 0, rules.scratch, count, &matches);
    at = stop + 1;
  }
  return matches;
}

uint64_t passBatches(const Rules &rules, const std::string &data,
                     const std::vector<size_t> &borders) {
  uint64_t matches = 0;
  for (size_t i = 0; i + 1 < borders.size(); i++) {
    hs_scan(rules.batches, data.data() + borders[i],
            static_cast<unsigned>(borders[i + 1] - borders[i]), 0, rules.scratch, count, &matches);
  }
  return matches;
}

std::vector<size_t> bordersOf(const std::string &data) {
  std::vector<size_t> borders{0};
  size_t lines = 0;
  for (size_t i = 0; i < data.size(); i++) {
    if (data[i] == '\n' && ++lines % 100 == 0) borders.push_back(i + 1);
  }
  if (borders.back() != data.size()) borders.push_back(data.size());
  return borders;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) fail("usage: hyperscan RULES DATA");
  Rules rules;
  std::istringstream listed(contents(argv[1]));
  for (std::string line; std::getline(listed, line);) {
    rules.patterns.push_back(line[0] == 's' ? escaped(line.substr(1)) : line.substr(1));
  }
  std::string data = contents(argv[2]);
  std::vector<size_t> borders = bordersOf(data);

  auto began = std::chrono::steady_clock::now();
  rules.lines = compile(rules, HS_FLAG_SINGLEMATCH);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  rules.batches = compile(rules, HS_FLAG_MULTILINE);
  if (hs_alloc_scratch(rules.lines, &rules.scratch) != HS_SUCCESS ||
      hs_alloc_scratch(rules.batches, &rules.scratch) != HS_SUCCESS) {
    fail("no scratch space");
  }
  std::cout << "ready " << took.count() << std::endl;

  for (std::string command; std::getline(std::cin, command);) {
    if (command.rfind("data ", 0) == 0) {
      data = contents(command.substr(5));
      borders = bordersOf(data);
      std::cout << "0 0" << std::endl;
      continue;
    }
    auto start = std::chrono::steady_clock::now();
    uint64_t matches = command == "lines" ? passLines(rules, data) : passBatches(rules, data, borders);
    auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::steady_clock::now() - start);
    std::cout << nanoseconds.count() << " " << matches << std::endl;
  }
  return 0;
}
