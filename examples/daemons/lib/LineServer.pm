package LineServer;

# The part that the small TCP daemons beside this directory share: listen on the loopback address, read
# lines, hand each one to a callback, write what it returns. One process, one select loop, nothing but
# what the package perl-base has.
#
#   LineServer::run(port => 47101, name => 'echo', line => sub { my ($text, $client) = @_; ... });
#
# `line` returns the bytes to send, and as second value something true to close the connection afterwards.
# Optional: `hup` is called on SIGHUP, `stop` before the exit. SIGTERM and SIGINT end the program with 0.

use strict;
use warnings;
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Handle;
use IO::Select;
use IO::Socket::INET;

# A client that sends no end of line, doesn't read its answers, or is one too many is cut off.
use constant { LINE_MAX => 64 * 1024, BACKLOG_MAX => 1024 * 1024, CLIENTS_MAX => 200 };

# Perl runs a signal handler between two of its own steps. A signal that arrives just before `select`
# blocks would otherwise wait for the next client, so the loop looks up from time to time.
use constant LOOK_UP_SECONDS => 2;

sub run {
    my (%with) = @_;
    my ($stop, $hup) = (0, 0);
    local $SIG{TERM} = sub { $stop = 'TERM' };
    local $SIG{INT}  = sub { $stop = 'INT' };
    local $SIG{HUP}  = sub { $hup  = 1 };
    local $SIG{PIPE} = 'IGNORE';

    STDOUT->autoflush(1);
    my $listener = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1',
        LocalPort => $with{port},
        Proto     => 'tcp',
        Listen    => 32,
        ReuseAddr => 1,
        Blocking  => 0,
    ) or do { complain($with{name}, "cannot listen on 127.0.0.1:$with{port}: $@"); exit 1 };
    note($with{name}, "pid $$ listens on 127.0.0.1:$with{port}");

    my %client;    # by file number: {handle, in, out, closing}
    until ($stop) {
        my $reading = IO::Select->new($listener, map { $_->{handle} } grep { !$_->{closing} } values %client);
        my $writing = IO::Select->new(map { $_->{handle} } grep { length $_->{out} } values %client);
        my ($readable, $writable) = IO::Select::select($reading, $writing, undef, LOOK_UP_SECONDS);
        if ($hup) { $hup = 0; $with{hup}->() if $with{hup} }

        for my $handle (@{ $readable || [] }) {
            if ($handle == $listener) { welcome($listener, \%client); next }
            my $one = $client{ fileno $handle } or next;
            read_lines($one, $with{line}) or forget(\%client, $one);
        }
        for my $handle (@{ $writable || [] }) {
            my $one = $client{ fileno($handle) // -1 } or next;
            write_some($one) or forget(\%client, $one);
        }
    }
    $with{stop}->() if $with{stop};
    note($with{name}, "pid $$ ends on SIG$stop");
    exit 0;
}

sub welcome {
    my ($listener, $clients) = @_;
    while (my $handle = $listener->accept) {
        if (keys %$clients >= CLIENTS_MAX) { close $handle; next }
        $handle->blocking(0);
        $clients->{ fileno $handle } = { handle => $handle, in => '', out => '', closing => 0 };
    }
    return;
}

# False when the connection is over.
sub read_lines {
    my ($one, $line) = @_;
    my $got = sysread $one->{handle}, $one->{in}, 16 * 1024, length $one->{in};
    return later() unless defined $got;
    # The other side has said all; it may still be listening.
    if ($got == 0) { $one->{closing} = 1; return write_some($one) }
    while (!$one->{closing} && $one->{in} =~ s/\A([^\n]*)\n//) {
        (my $text = $1) =~ s/\r\z//;
        my ($answer, $close) = $line->($text, $one);
        $one->{out} .= $answer if defined $answer;
        $one->{closing} = 1 if $close;
    }
    return 0 if length $one->{in} > LINE_MAX || length $one->{out} > BACKLOG_MAX;
    return write_some($one);
}

# False when the connection is over: broken, or all is said and it was to be closed.
sub write_some {
    my ($one) = @_;
    while (length $one->{out}) {
        my $sent = syswrite $one->{handle}, $one->{out};
        return later() unless defined $sent;
        substr($one->{out}, 0, $sent) = '';
    }
    return !$one->{closing};
}

sub later { return $!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR} }

sub forget {
    my ($clients, $one) = @_;
    delete $clients->{ fileno $one->{handle} };
    close $one->{handle};
    return;
}

# One line with the time of day in UTC, in a form that sorts.
sub note {
    my ($name, $text) = @_;
    print stamp(), " $name: $text\n";
    return;
}

sub complain {
    my ($name, $text) = @_;
    print STDERR stamp(), " $name: $text\n";
    return;
}

sub stamp {
    my ($second, $minute, $hour, $day, $month, $year) = gmtime;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $year + 1900, $month + 1, $day, $hour, $minute, $second;
}

1;
