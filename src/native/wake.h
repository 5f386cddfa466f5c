#pragma once
/* Rings the doorbell behind a file descriptor (doorbell.h), from any thread; never blocks. */
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace millrace {

inline void RingDoorbell(int fd) {
  const uint64_t one = 1;
  // EAGAIN means that the counter is full: the bell is ringing already.
  ssize_t written;
  do {
    written = write(fd, &one, sizeof one);
  } while (written < 0 && errno == EINTR);
}

}  // namespace millrace
