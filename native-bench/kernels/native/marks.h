#pragma once
/* Marks that callgrind sees: it dumps its counts before each call of getpriority(2), which nothing else
 * calls. kernels/run-part.ts makes the same marks. */
#include <sys/resource.h>

#include <cstdio>
#include <functional>

/** One kernel: `before` makes ready for a round and is not counted, `run` does `operations`. */
struct Kernel {
  int operations;
  std::function<void()> before;
  std::function<void()> run;
};

inline void Mark() { getpriority(PRIO_PROCESS, 0); }

/** An empty round, which tells what the marks cost, then the rounds. Prints how many operations each has. */
inline void RunMarked(const Kernel& kernel, int warm_up_rounds, int rounds, int calls) {
  for (int round = 0; round < warm_up_rounds; round++) {
    kernel.before();
    for (int call = 0; call < calls; call++) kernel.run();
  }
  Mark();
  Mark();
  for (int round = 0; round < rounds; round++) {
    kernel.before();
    Mark();
    for (int call = 0; call < calls; call++) kernel.run();
    Mark();
    std::printf("%d ", kernel.operations * calls);
  }
}
