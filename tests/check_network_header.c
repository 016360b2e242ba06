/* The shim's header compiles as C11: this file includes nothing else.  */
#include "../shim/network.h"

int
main (void)
{
  return NETWORK_ERROR_BYTES > 0 && NETWORK_POOL_NONE == 0 ? 0 : 1;
}
