#!/usr/bin/env -S perl -w -T
# Answers each datagram with the same bytes backwards.
#
#   mirror.pl --port 47123
#
# `env -S` splits the rest of its one argument into words, so that perl gets -w and -T (taint mode, in which what
# comes from outside may not reach a shell or a file name). argv is then: perl -w -T mirror.pl --port 47123.

use strict;
use IO::Handle;
use Socket;

my ($flag, $given) = @ARGV;
my ($port) = ($given || '') =~ /\A([0-9]{1,5})\z/;
die "usage: mirror.pl --port PORT\n" unless @ARGV == 2 && $flag eq '--port' && $port;

$SIG{TERM} = $SIG{INT} = sub { print "mirror: ends\n"; exit 0 };
STDOUT->autoflush(1);

socket my $socket, PF_INET, SOCK_DGRAM, getprotobyname('udp') || 17 or die "socket: $!\n";
bind $socket, pack_sockaddr_in($port, INADDR_LOOPBACK) or die "127.0.0.1:$port: $!\n";
print "mirror: pid $$ on 127.0.0.1:$port\n";
while (1) {
    my $from = recv $socket, my $bytes, 65_536, 0;
    send $socket, scalar reverse($bytes), 0, $from if defined $from && length $from;
}
