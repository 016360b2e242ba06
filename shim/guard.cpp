#include "guard.hpp"

namespace
{

// The line of TEXT that says what is wrong: the first that is not empty, since libtorch adds a stack trace below it.
// An error inside the network's own code comes the other way round: a trace, and what went wrong in the last line,
// behind a name.
std::string
choose_line (const std::string &text)
{
  static const std::string interpreter = "The following operation failed in the TorchScript interpreter",
                           name = "Error: ";
  size_t begin = text.find_first_not_of ('\n'), place = text.rfind (name);
  if (begin == std::string::npos)
    return "unknown failure in libtorch";
  if (text.compare (begin, interpreter.size (), interpreter) == 0 && place != std::string::npos)
    begin = place + name.size ();
  return text.substr (begin, text.find ('\n', begin) - begin);
}

} // namespace

int
fail (char *error, const std::string &text, const char *remedy)
{
  std::string line = choose_line (text) + remedy;
  size_t length = line.copy (error, NETWORK_ERROR_BYTES - 1);
  error[length] = '\0';
  return -1;
}
