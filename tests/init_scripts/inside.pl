# PID 1 of the namespaces that one init script is tried in. Reads a JSON object with what to do, prints one with what
# was seen. It is started by `unshare --pid --mount --net --uts --ipc --kill-child`, so that all that the script starts
# ends with it.
#
# root         the Debian root; it stays as it is, an overlay takes what is written
# work         an empty directory, for the mounts
# script       name in /etc/init.d
# daemon       what the comm of its daemon matches
# setup        sh commands that come first (settings that the script needs; never the script itself)
# replacement  a file that is put in place of start-stop-daemon, or null
# binaries     host file per path inside, made visible there
# steps        what to run: name of the step, command, and what to wait for then: `up` (the daemon, then quiet), `quiet`, or
#              `look` (nothing should change)
# expected     per step the state to wait for, or null: then wait until nothing changes
use strict;
use warnings;
use Fcntl qw(:DEFAULT :mode);
use JSON::PP ();
use POSIX ();
use Socket;
use Time::HiRes qw(time sleep);

my $START_STOP_DAEMON = '/usr/sbin/start-stop-daemon';
my $POLL       = 0.05;   # seconds
my $STEP_LIMIT = 90;     # seconds for one call of a script
my $UP_LIMIT   = 10;     # seconds until the daemon is there, or a state is the expected one
my $QUIET      = 1.5;    # seconds without a change, where nothing is known to wait for
my $HELD       = 0.4;    # seconds that an expected state must hold; also what a look needs to change nothing

my $json = JSON::PP->new->canonical->latin1;
my $task = $json->decode(do { local $/; <STDIN> });
my %ended;               # status per child, filled in as PID 1 must: at once
my %numbers;             # every number that a process had

sub give_up { print $json->encode({ skipped => "@_" }), "\n"; exit 0 }

# What this host refuses is a reason to skip; a failure later on is a failure.
sub must { system(@_) == 0 or give_up("this host can't: @_") }

sub put {
    my ($path, $text) = @_;
    open my $file, '>', $path or return;
    print $file $text;
    close $file;
}

sub slurp {
    my ($path, $limit) = @_;
    sysopen my $file, $path, O_RDONLY | O_NONBLOCK or return undef;
    my $text = '';
    while (sysread $file, my $piece, 65536) {
        $text .= $piece;
        last if $limit && length $text >= $limit;
    }
    return $text;
}

sub enter {
    my ($root, $work) = @$task{qw(root work)};
    must('mount', '--make-rprivate', '/');
    must('mount', '-t', 'tmpfs', 'none', $work);
    mkdir "$work/$_" for qw(upper inner root);
    my $new = "$work/root";
    must('mount', '-t', 'overlay', '-o', "lowerdir=$root,upperdir=$work/upper,workdir=$work/inner", 'overlay', $new);
    must('mount', '-t', 'proc', 'proc', "$new/proc");
    # High numbers are told from ports and sizes in what scripts print.
    put("$new/proc/sys/kernel/ns_last_pid", 20_000);
    # What isn't of this namespace stays as it is.
    must('mount', '--bind', '-o', 'ro', "$new/proc/sys", "$new/proc/sys");
    must('mount', '-t', 'tmpfs', '-o', 'mode=755', 'none', "$new/dev");
    my @devices = ([null => 1, 3], [zero => 1, 5], [full => 1, 7], [random => 1, 8], [urandom => 1, 9], [tty => 5, 0]);
    must('mknod', '-m', '666', "$new/dev/$_->[0]", 'c', $_->[1], $_->[2]) for @devices;
    mkdir "$new/dev/$_" for qw(pts shm);
    chmod 01777, "$new/dev/shm";
    must('mount', '-t', 'devpts', '-o', 'newinstance,ptmxmode=666', 'none', "$new/dev/pts");
    symlink 'pts/ptmx', "$new/dev/ptmx";
    symlink '/proc/self/fd', "$new/dev/fd";
    must('mount', '-t', 'tmpfs', '-o', 'mode=755', 'none', "$new/run");
    mkdir "$new/run/$_" for qw(lock shm);
    chmod 01777, "$new/run/lock";
    if (defined $task->{replacement}) {
        must('mount', '--bind', $task->{replacement}, "$new$START_STOP_DAEMON");
    }
    must('cp', '--preserve=mode', "$root$START_STOP_DAEMON", "$new/usr/local/sbin/oracle");
    for my $path (sort keys %{ $task->{binaries} // {} }) {
        put("$new$path", '');
        must('mount', '--bind', $task->{binaries}{$path}, "$new$path");
    }
    chroot $new or give_up("chroot: $!");
    chdir '/';
    loopback_up();
}

# Without it a daemon that listens on the own host can't.
sub loopback_up {
    my ($SIOCSIFFLAGS, $IFF_UP) = (0x8914, 1);
    socket(my $socket, PF_INET, SOCK_DGRAM, 0) or give_up("socket: $!");
    ioctl($socket, $SIOCSIFFLAGS, pack('a16 s x22', 'lo', $IFF_UP)) or give_up("lo: $!");
}

sub reap {
    local ($!, $?);   # it is also called within itself, by the signal
    while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) { $ended{$pid} = $? }
}

# One process, by all that start-stop-daemon has a say in.
sub process {
    my ($pid) = @_;
    my $status = slurp("/proc/$pid/status") // return;
    my %field = $status =~ /^(\w+):[ \t]*(.*)$/mg;
    return if $field{State} =~ /^[ZX]/;
    my $exe = readlink "/proc/$pid/exe" or return;
    my @stat = split ' ', (slurp("/proc/$pid/stat") // return) =~ s/.*\)//sr;
    my @argv = split /\0/, slurp("/proc/$pid/cmdline") // return;
    my @environment = sort split /\0/, slurp("/proc/$pid/environ") // '';
    my ($files) = (slurp("/proc/$pid/limits") // '') =~ /^Max open files +(\S+ +\S+)/m;
    my @streams = map { (readlink "/proc/$pid/fd/$_") // 'closed' } 0 .. 2;
    s/\[\d+\]/[]/ for @streams;
    s{^(NOTIFY_SOCKET)=.*}{$1=...} for @environment;
    my $leads = $stat[3] == $pid ? 'session' : $stat[2] == $pid ? 'group' : 'nothing';
    return {
        pid => $pid, comm => $field{Name}, argv => join(' ', @argv) =~ s/\s+$//r, exe => $exe,
        uid => join(' ', split /\s+/, $field{Uid}), gid => join(' ', split /\s+/, $field{Gid}),
        groups => $field{Groups} =~ s/\s+$//r, umask => $field{Umask}, nice => $stat[16],
        cwd => (readlink "/proc/$pid/cwd") // '?', streams => "@streams", leads => $leads,
        environment => join(' ', @environment), blocked => $field{SigBlk}, ignored => $field{SigIgn},
        files => $files,
    };
}

sub processes {
    opendir my $dir, '/proc' or die "/proc: $!";
    my @found = map { process($_) } grep { /^\d+$/ && $_ != 1 } readdir $dir;
    $numbers{ $_->{pid} } = 1 for @found;
    return @found;
}

sub pidfiles {
    my ($dir, $alive, $found) = @_;
    opendir my $handle, $dir or return;
    for my $name (sort grep { !/^\.\.?$/ } readdir $handle) {
        my $path = "$dir/$name";
        lstat $path or next;
        if ($path eq '/run/selfsame') { next }
        elsif (-d _) { pidfiles($path, $alive, $found) }
        elsif (-f _ && $name =~ /pid/i) {
            my ($mode, $owner, $group) = (stat _)[2, 4, 5];
            my $text = slurp($path, 4096) // '?';
            my $says = $text =~ /^\s*(\d+)\s*$/ ? ($alive->{$1} // 'nobody') : $text eq '' ? 'empty' : 'garbage';
            push @$found, sprintf('%s %o %d:%d names %s', $path, S_IMODE($mode), $owner, $group, $says);
        }
    }
}

# Everything that two runs must have in common, and the numbers beside it.
sub state {
    my @processes = processes();
    my %alive = map { $_->{pid} => $_->{comm} } @processes;
    my @files;
    pidfiles('/run', \%alive, \@files);
    my @pids = sort { $a <=> $b } keys %alive;
    delete $_->{pid} for @processes;
    my @sorted = sort { $json->encode($a) cmp $json->encode($b) } @processes;
    $_->{argv} = settled_text($_->{argv}) for @sorted;
    return ({ processes => \@sorted, pidfiles => \@files }, \@pids);
}

# Numbers of processes and times of day are the only things that two runs may differ in.
sub settled_text {
    my ($text) = @_;
    $text =~ s/\b(\d+)\b/$numbers{$1} || ($1 > 20_000 && $1 < 30_000) ? 'PID' : $1/ge;
    $text =~ s/\b\d\d:\d\d:\d\d(\.\d+)?\b/TIME/g;
    return $text;
}

# Waits for the expected state, or without one for what the step says.
sub settle {
    my ($expected, $wait) = @_;
    my $held = $expected || $wait eq 'look' ? $HELD : $QUIET;
    my $end = time + $UP_LIMIT;
    my ($last, $since, $state, $pids) = ('', time);
    my $wanted = $expected && $json->encode($expected);
    while (1) {
        ($state, $pids) = state();
        my $now = $json->encode($state);
        ($last, $since) = ($now, time) if $now ne $last;
        my $there = $wanted       ? $now eq $wanted
                  : $wait ne 'up' ? 1
                  : grep { $_->{comm} =~ /^(?:$task->{daemon})$/ } @{ $state->{processes} };
        last if $there && time - $since >= $held;
        last if time > $end;
        sleep $POLL;
    }
    return ($state, $pids);
}

# Runs a command of the root as a boot would: no terminal, a plain environment, nothing inherited.
sub run {
    my ($command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{CHLD} = 'DEFAULT';
        POSIX::setsid();
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', '/tmp/out';
        open STDERR, '>', '/tmp/err';
        umask 022;
        %ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', HOME => '/root', LANG => 'C.UTF-8', TERM => 'dumb');
        exec '/bin/sh', '-c', $command or POSIX::_exit(127);
    }
    my $end = time + $STEP_LIMIT;
    while (!exists $ended{$pid}) {
        sleep 0.01;
        reap();
        next if time < $end;
        kill KILL => -$pid;
        return ('timeout', slurp('/tmp/out') // '', slurp('/tmp/err') // '');
    }
    my $code = $ended{$pid};
    return ($code & 127 ? 'signal ' . ($code & 127) : $code >> 8, slurp('/tmp/out') // '', slurp('/tmp/err') // '');
}

sub step {
    my ($number, $before) = @_;
    my ($name, $command, $wait) = @{ $task->{steps}[$number] };
    my $begun = time;
    my ($status, $out, $errors) = run($command);
    my $took = time - $begun;
    my ($state, $pids) = settle($task->{expected} && $task->{expected}[$number], $wait);
    my %old = map { $_ => 1 } @$before;
    my $seen = {
        step => $name, status => "$status", stdout => settled_text($out), stderr => settled_text($errors),
        seconds => $took, state => $state, kept => scalar(grep { $old{$_} } @$pids),
        copies => scalar(grep { $_->{comm} =~ /^(?:$task->{daemon})$/ } @{ $state->{processes} }),
    };
    return ($seen, $pids);
}

$SIG{CHLD} = \&reap;
enter();
my $script = "/etc/init.d/$task->{script}";
my $shipped = slurp($script) // die "no $script\n";
my ($status, $out, $errors) = run("set -e\n" . ($task->{setup} // ''));
$status eq '0' or die "setup: $status\n$out$errors";
slurp($script) eq $shipped or die "setup changes the script\n";
my ($pids, @seen) = ([]);
for my $number (0 .. $#{ $task->{steps} }) {
    (my $seen, $pids) = step($number, $pids);
    push @seen, $seen;
}
print $json->encode({ steps => \@seen }), "\n";
