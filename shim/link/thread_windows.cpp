#define NOMINMAX
#include <windows.h>

#include "link/thread.h"

namespace stembridge::link {

void beQuiet() { SetThreadDescription(GetCurrentThread(), L"stembridge link"); }

}  // namespace stembridge::link
