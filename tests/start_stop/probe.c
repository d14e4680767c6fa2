/* What a started program finds, written down for comparison. Words among the arguments tell it what to do:
 *   report=FILE   write down what is found (atomically; otherwise nothing is)
 *   sleep=N       live so many seconds (default 0)
 *   ignore=NUM    ignore this signal
 *   catch=NUM     write the number of this signal into the file of record= whenever it comes, and live on
 *   record=FILE   where that is written
 *   ready=FILE    make this file when everything is as asked for
 *   exit=N        end with this code
 *   notify=TEXT   send TEXT to NOTIFY_SOCKET; `\n` in it is a newline
 *   after=MS      wait so many milliseconds before that
 *   pidfile=FILE  fork; the child writes its number there, the parent ends
 *   name=TEXT     call the first thread so
 *   zombie=FILE   have a child that has exited and is never waited for; FILE says its number
 *   leaderless    end the first thread; a second one goes on. ready= is made by that one
 *   fork          have a child that lives as long; ready= is made by it
 * Nothing in it depends on the number of the process or on time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void signals(FILE *out) {
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    fprintf(out, "blocked:");
    for (int s = 1; s <= 64; s++)
        if (sigismember(&blocked, s) == 1) fprintf(out, " %d", s);
    fprintf(out, "\nignored:");
    for (int s = 1; s <= 64; s++) {
        struct sigaction now;
        if (sigaction(s, NULL, &now) == 0 && now.sa_handler == SIG_IGN) fprintf(out, " %d", s);
    }
    fprintf(out, "\n");
}

/* What the kernel says of a process that exec hands down. */
static void handed_down(FILE *out) {
    static const char *const lines[] = {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "SigPnd:", "ShdPnd:", "SigCgt:",
                                        "Seccomp:", "Cpus_allowed:", "Speculation_Store_Bypass:", "THP_enabled:"};
    static const char *const files[] = {"oom_score_adj", "timerslack_ns", "personality", "coredump_filter", "cgroup"};
    char line[4096], path[64];
    FILE *in = fopen("/proc/self/status", "re");
    while (in && fgets(line, sizeof line, in))
        for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
            if (!strncmp(line, lines[i], strlen(lines[i]))) fprintf(out, "%s", line);
    if (in) fclose(in);
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/self/%s", files[i]);
        in = fopen(path, "re");
        while (in && fgets(line, sizeof line, in)) fprintf(out, "%s: %s", files[i], line);
        if (in) fclose(in);
    }
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    fprintf(out, "signal at the death of the parent: %d\nsecure bits: %d\nsubreaper: ", death, prctl(PR_GET_SECUREBITS));
    prctl(PR_GET_CHILD_SUBREAPER, &death);
    fprintf(out, "%d\n", death);
}

static int record_fd = -1;

static void record(int number) {
    char text[] = "00\n";
    text[0] += (char)(number / 10);
    text[1] += (char)(number % 10);
    if (write(record_fd, text, 3) < 0) _exit(92);
}

static void descriptors(FILE *out) {
    for (int fd = 0; fd < 256; fd++) {
        struct stat st;
        if (fd == fileno(out) || fstat(fd, &st) != 0) continue;
        int flags = fcntl(fd, F_GETFL);
        char link[4096] = "", path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, link, sizeof link - 1);
        if (n > 0) link[n] = 0;
        /* numbers of pipes and sockets are never the same */
        if (link[0] != '/') { char *c = strchr(link, ':'); if (c) *c = 0; }
        fprintf(out, "fd %d: %s %s%s\n", fd, link,
                (flags & O_ACCMODE) == O_RDONLY ? "r" : (flags & O_ACCMODE) == O_WRONLY ? "w" : "rw",
                flags & O_APPEND ? " append" : "");
    }
}

/* A daemon and the process that it was forked by go on side by side: that one may be on its way out still. */
static void wait_for_parent(void) {
    for (int ms = 0; ms < 10000 && getppid() != 1; ms++) {
        char path[64], name[32] = "";
        snprintf(path, sizeof path, "/proc/%d/comm", getppid());
        FILE *in = fopen(path, "re");
        /* without /proc, as in another root, it can't be told who that is */
        if (!in && access("/proc/self", F_OK) != 0 && ms >= 300) return;
        if (in) {
            int other = fgets(name, sizeof name, in) && strncmp(name, "start-stop-daem", 15);
            fclose(in);
            if (other) return;
        }
        usleep(1000);
    }
}

static void report(const char *file, int argc, char **argv) {
    char temporary[4096], cwd[4096] = "?";
    snprintf(temporary, sizeof temporary, "%s.new", file);
    mode_t mask = umask(0);
    umask(mask);
    FILE *out = fopen(temporary, "we");
    if (!out) _exit(90);
    for (int i = 0; i < argc; i++) fprintf(out, "argv[%d]: %s\n", i, argv[i]);
    char comm[17] = "";
    prctl(PR_GET_NAME, comm);
    fprintf(out, "comm: %s\n", comm);
    uid_t u[3]; gid_t g[3], groups[256];
    getresuid(&u[0], &u[1], &u[2]);
    getresgid(&g[0], &g[1], &g[2]);
    fprintf(out, "uid: %d %d %d\ngid: %d %d %d\ngroups:", u[0], u[1], u[2], g[0], g[1], g[2]);
    int n = getgroups(256, groups);
    for (int i = 0; i < n; i++) fprintf(out, " %d", groups[i]);
    fprintf(out, "\numask: %04o\n", mask);
    errno = 0;
    fprintf(out, "nice: %d\n", getpriority(PRIO_PROCESS, 0));
    struct sched_param sp;
    sched_getparam(0, &sp);
    fprintf(out, "policy: %d %d\n", sched_getscheduler(0), sp.sched_priority);
    fprintf(out, "ioprio: %ld\n", syscall(SYS_ioprio_get, 1, 0));
    fprintf(out, "cwd: %s\n", getcwd(cwd, sizeof cwd) ? cwd : "?");
    fprintf(out, "marker of the root: %s\n", access("/marker", F_OK) == 0 ? "yes" : "no");
    fprintf(out, "parent is the first process: %s\n", getppid() == 1 ? "yes" : "no");
    fprintf(out, "leads its session: %s\n", getsid(0) == getpid() ? "yes" : "no");
    fprintf(out, "leads its group: %s\n", getpgrp() == getpid() ? "yes" : "no");
    fprintf(out, "group is the session: %s\n", getpgrp() == getsid(0) ? "yes" : "no");
    fprintf(out, "terminal: %s\n", open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0 ? "yes" : "no");
    fprintf(out, "no new privileges: %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    fprintf(out, "dumpable: %d\n", prctl(PR_GET_DUMPABLE));
    for (int r = 0; r < 16; r++) {
        struct rlimit l;
        if (getrlimit(r, &l) == 0) fprintf(out, "limit %d: %lld %lld\n", r, (long long)l.rlim_cur, (long long)l.rlim_max);
    }
    signals(out);
    handed_down(out);
    descriptors(out);
    for (char **e = environ; *e; e++) {
        /* its directory has a random name */
        if (strncmp(*e, "NOTIFY_SOCKET=", 14) == 0) {
            struct stat st, dir;
            char d[4096];
            snprintf(d, sizeof d, "%s", *e + 14);
            int there = stat(d, &st) == 0;
            *strrchr(d, '/') = 0;
            stat(d, &dir);
            fprintf(out, "env NOTIFY_SOCKET: %s %o %d %d, in %o %d %d\n", there ? "there" : "missing", st.st_mode, st.st_uid,
                    st.st_gid, dir.st_mode, dir.st_uid, dir.st_gid);
            continue;
        }
        fprintf(out, "env %s\n", *e);
    }
    fclose(out);
    if (rename(temporary, file) != 0) _exit(91);
}

static void notify(const char *text) {
    const char *path = getenv("NOTIFY_SOCKET");
    char message[4096];
    int length = 0;
    for (const char *c = text; *c && length < 4000; c++) {
        if (c[0] == '\\' && c[1] == 'n') { message[length++] = '\n'; c++; }
        else message[length++] = *c;
    }
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path) return;
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sendto(s, message, length, 0, (struct sockaddr *)&to, sizeof to);
    close(s);
}

static void be_ready(const char *file) {
    if (file) close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

static void live(double seconds) {
    struct timespec left = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    /* signals that are caught don't cut it short */
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

/* What a thread goes on with after the first one. */
struct rest { const char *ready; double seconds; int code; };

static void *go_on(void *given) {
    struct rest *rest = given;
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", getpid());
    while (state != 'Z') {
        FILE *in = fopen(path, "re");
        if (!in || fscanf(in, "%*d (%*[^)]) %c", &state) != 1) _exit(92);
        fclose(in);
    }
    be_ready(rest->ready);
    live(rest->seconds);
    _exit(rest->code);
}

int main(int argc, char **argv) {
    int code = 0, leaderless = 0;
    double seconds = 0;
    const char *file = NULL, *pidfile = NULL, *ready = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "fork") && fork() > 0) {
            /* waits, so that nobody is left as a zombie */
            for (;;) pause();
        }
        if (!strcmp(argv[i], "leaderless")) leaderless = 1;
        char *value = strchr(argv[i], '=');
        if (!value) continue;
        value++;
        if (!strncmp(argv[i], "report=", 7)) file = value;
        if (!strncmp(argv[i], "sleep=", 6)) seconds = atof(value);
        if (!strncmp(argv[i], "ignore=", 7)) signal(atoi(value), SIG_IGN);
        if (!strncmp(argv[i], "record=", 7)) record_fd = open(value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (!strncmp(argv[i], "catch=", 6)) {
            struct sigaction action = {.sa_handler = record, .sa_flags = SA_RESTART};
            /* of several that wait, the one with the lowest number is written first */
            sigfillset(&action.sa_mask);
            sigaction(atoi(value), &action, NULL);
        }
        if (!strncmp(argv[i], "ready=", 6)) ready = value;
        if (!strncmp(argv[i], "exit=", 5)) code = atoi(value);
        if (!strncmp(argv[i], "pidfile=", 8)) pidfile = value;
        if (!strncmp(argv[i], "name=", 5)) prctl(PR_SET_NAME, value);
        if (!strncmp(argv[i], "zombie=", 7)) {
            pid_t child = fork();
            if (child == 0) _exit(0);
            FILE *out = fopen(value, "w");
            if (out) { fprintf(out, "%d\n", child); fclose(out); }
        }
    }
    if (pidfile) {
        if (fork() > 0) _exit(0);
        setsid();
        FILE *out = fopen(pidfile, "w");
        if (out) { fprintf(out, "%d\n", getpid()); fclose(out); }
    }
    if (file) {
        wait_for_parent();
        report(file, argc, argv);
    }
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "after=", 6)) usleep(atoi(argv[i] + 6) * 1000);
        if (!strncmp(argv[i], "notify=", 7)) notify(argv[i] + 7);
    }
    if (leaderless) {
        static struct rest rest;
        pthread_t thread;
        rest = (struct rest){ready, seconds, code};
        if (pthread_create(&thread, NULL, go_on, &rest) == 0) syscall(SYS_exit, 0);
        return 93;
    }
    be_ready(ready);
    live(seconds);
    return code;
}
