# cmake -DINPUT=page.html -DOUTPUT=page.cpp -DSYMBOL=page -DNAMESPACE=turnkeeper::cli -P embed.cmake: a file as bytes in a
# C++ source.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(................................................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <string_view>
namespace ${NAMESPACE} {
extern const std::string_view ${SYMBOL};
static const char bytes[] = {\n${bytes}};
const std::string_view ${SYMBOL}(bytes, sizeof bytes);
}  // namespace ${NAMESPACE}\n")
