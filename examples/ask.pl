#!/usr/bin/perl
# Says one line to a TCP port of this host and prints the answer: what `nc` would do, with perl alone.
#
#   ask.pl 47101 hello
#   ask.pl 47110 GET / HTTP/1.0
#   ask.pl --udp 47103 logins:1

use strict;
use warnings;
use Getopt::Long qw(:config require_order);
use IO::Socket::INET;

GetOptions('udp' => \my $udp) && @ARGV >= 2 && $ARGV[0] =~ /\A[0-9]{1,5}\z/
    or die "usage: ask.pl [--udp] PORT WORD...\n";
my $port = shift;

alarm 5;
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Proto => $udp ? 'udp' : 'tcp')
    or die "ask.pl: port $port: $@\n";
$socket->autoflush(1);
if ($udp) { print {$socket} "@ARGV\n"; exit 0 }

# The second, empty line ends the headers of an HTTP request; other servers get their one line only.
print {$socket} "@ARGV\r\n", $ARGV[-1] =~ m{\AHTTP/} ? "\r\n" : '';
shutdown $socket, 1;
print while <$socket>;
