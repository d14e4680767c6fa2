#!/usr/bin/perl
# Counts things: takes datagrams such as `logins:1` or `bytes:512` and keeps the sums in a file.
#
#   collector.pl --port 47103 --pidfile FILE --totals FILE --log FILE
#   ... --foreground      stays, writes the pidfile all the same
#
# A daemon of the old school. It forks twice, so that it is a child of PID 1 (or of the nearest subreaper), in a
# session that it doesn't lead, and writes its number into a pidfile. The process that was started exits
# with 0 only when the daemon is ready, or with 1 and the reason when it will never be.
#
# SIGHUP opens the log anew (after somebody moved it), SIGTERM writes the sums, takes the pidfile away and ends.

use strict;
use warnings;
use Getopt::Long;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use POSIX ();

# Sums are written this long after the first datagram that changed them, not for each.
use constant WRITE_AFTER_SECONDS => 1;
# A signal that arrives just before `select` blocks is seen after this time at the latest.
use constant LOOK_UP_SECONDS => 2;
use constant NAMES_MAX => 10_000;

my %with;
GetOptions(\%with, qw(port=i pidfile=s totals=s log=s foreground))
    && $with{port} && defined $with{pidfile} && defined $with{totals} && defined $with{log} && !@ARGV
    or die "usage: collector.pl --port PORT --pidfile FILE --totals FILE --log FILE\n";

my $log;
my %total;

# Detaches. Returns in the daemon only, with the handle on which it tells the starter how it went.
sub detach {
    pipe my $news, my $tell or die "pipe: $!\n";
    my $child = fork // die "fork: $!\n";
    if ($child) {
        close $tell;
        waitpid $child, 0;
        my $word = <$news> // "it ended before it was ready\n";
        exit 0 if $word eq "ready\n";
        print STDERR "collector.pl: $word";
        exit 1;
    }
    close $news;
    POSIX::setsid() != -1 or die "setsid: $!\n";
    my $grandchild = fork // die "fork: $!\n";
    POSIX::_exit(0) if $grandchild;
    chdir '/' or die "chdir /: $!\n";
    umask 022;
    open STDIN,  '<', '/dev/null' or die "/dev/null: $!\n";
    open STDOUT, '>', '/dev/null' or die "/dev/null: $!\n";
    open STDERR, '>', '/dev/null' or die "/dev/null: $!\n";
    return $tell;
}

sub open_log {
    open my $new, '>>', $with{log} or die "$with{log}: $!\n";
    $new->autoflush(1);
    $log = $new;
    return;
}

sub note {
    my ($text) = @_;
    my ($second, $minute, $hour, $day, $month, $year) = gmtime;
    printf {$log} "%04d-%02d-%02dT%02d:%02d:%02dZ collector: %s\n", $year + 1900, $month + 1, $day, $hour, $minute,
        $second, $text;
    return;
}

# Beside the file, then renamed: a reader sees the old text or the new one, never an empty file.
sub replace {
    my ($file, $text) = @_;
    open my $new, '>', "$file.new" or die "$file.new: $!\n";
    print {$new} $text;
    close $new or die "$file.new: $!\n";
    rename "$file.new", $file or die "$file: $!\n";
    return;
}

sub read_totals {
    open my $in, '<', $with{totals} or return;
    while (<$in>) { $total{$1} = $2 if /\A(\S+) (-?[0-9]+)\n\z/ }
    close $in;
    return;
}

sub write_totals {
    replace($with{totals}, join '', map { "$_ $total{$_}\n" } sort keys %total);
    return;
}

# True when something changed. What isn't a count is ignored: anybody can send a datagram.
sub take {
    my ($datagram) = @_;
    my $changed = 0;
    for my $line (split /\n/, $datagram) {
        my ($name, $count) = $line =~ /\A([A-Za-z0-9_.]{1,64}):(-?[0-9]{1,9})\z/ or next;
        next if !exists $total{$name} && keys %total >= NAMES_MAX;
        $total{$name} += $count;
        $changed = 1;
    }
    return $changed;
}

sub collect {
    my ($socket, $tell) = @_;
    my ($stop, $hup, $due) = (0, 0, undef);
    local $SIG{TERM} = sub { $stop = 'TERM' };
    local $SIG{INT}  = sub { $stop = 'INT' };
    local $SIG{HUP}  = sub { $hup  = 1 };

    replace($with{pidfile}, "$$\n");
    note("pid $$ counts on 127.0.0.1:$with{port}");
    if ($tell) { print {$tell} "ready\n"; close $tell }

    my $set = IO::Select->new($socket);
    until ($stop) {
        my $wait = defined $due ? $due - time : LOOK_UP_SECONDS;
        if ($set->can_read($wait < 0 ? 0 : $wait)) {
            my $from = recv $socket, my $datagram, 65_536, 0;
            $due //= time + WRITE_AFTER_SECONDS if defined $from && take($datagram);
        }
        if (defined $due && time >= $due) { write_totals(); $due = undef }
        if ($hup) { $hup = 0; open_log(); note('log opened') }
    }
    write_totals();
    unlink $with{pidfile};
    note("pid $$ ends on SIG$stop");
    exit 0;
}

# What can fail before the start is over is tried before the fork, so that the reason reaches the terminal.
open_log();
my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $with{port}, Proto => 'udp')
    or do { print STDERR "collector.pl: cannot take 127.0.0.1:$with{port}: $@\n"; exit 1 };
read_totals();
my $tell = $with{foreground} ? undef : detach();
if (!eval { collect($socket, $tell); 1 }) {
    my $why = $@ || "for an unknown reason\n";
    if ($tell && defined fileno $tell) { print {$tell} $why }
    note("ends: $why");
    exit 1;
}
