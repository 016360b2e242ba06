// How the functions of network.h end: no exception leaves them, and the error is one line.
#ifndef SLABFIT_GUARD_HPP
#define SLABFIT_GUARD_HPP

#include "network.h"

#include <c10/util/Exception.h>

#include <exception>
#include <string>

#define EXPORT extern "C" __attribute__ ((visibility ("default")))

// Puts the line of TEXT that says what is wrong, and REMEDY behind it, into ERROR (NETWORK_ERROR_BYTES); -1.
int fail (char *error, const std::string &text, const char *remedy);

// Runs BODY, which returns 0 or throws; no exception goes further.  REMEDY ends the message.
template <typename Body>
int
guard (char *error, Body body, const char *remedy = "") noexcept
{
  try
    {
      return body ();
    }
  catch (const c10::Error &e)
    {
      return fail (error, e.what_without_backtrace (), remedy);
    }
  catch (const std::exception &e)
    {
      return fail (error, e.what (), remedy);
    }
  catch (...)
    {
      return fail (error, "unknown exception in libtorch", remedy);
    }
}

#endif
