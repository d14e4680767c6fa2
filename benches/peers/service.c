/* The service that everybody supervises: it notes that it runs and waits to be ended.
 *
 *   service NOTES ID [PIDFILE]
 *
 * One line `ID PID MONOTONIC_NS` is appended to NOTES, in one write, so that lines of many services never mix. With
 * PIDFILE it becomes a daemon first, for supervisors that watch what they didn't fork.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) return 64;
  if (argc > 3) {
    if (fork() > 0) _exit(0);
    setsid();
    FILE *pidfile = fopen(argv[3], "w");
    if (!pidfile) return 1;
    fprintf(pidfile, "%d\n", (int)getpid());
    fclose(pidfile);
  }
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  char line[128];
  int length = snprintf(line, sizeof line, "%s %d %lld\n", argv[2], (int)getpid(),
                        (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
  int notes = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (notes < 0 || write(notes, line, length) != length) return 1;
  close(notes);
  for (;;) pause();
}
