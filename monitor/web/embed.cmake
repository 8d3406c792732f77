# cmake -DINPUT=page.html -DOUTPUT=page.cpp -P embed.cmake: a file as bytes in a C++ source.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(................................................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
file(WRITE ${OUTPUT} "namespace turnkeeper::monitor {
extern const char kStatusPage[];
extern const unsigned long kStatusPageSize;
const char kStatusPage[] = {\n${bytes}};
const unsigned long kStatusPageSize = sizeof kStatusPage;
}  // namespace turnkeeper::monitor\n")
