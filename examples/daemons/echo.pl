#!/usr/bin/perl
# A line-echo server on the loopback address: what comes in goes out again.
#
#   echo.pl --port 47101
#
# SIGHUP writes a line of statistics to standard output, SIGTERM ends it. The `#!` line names perl
# directly, so the kernel shows /usr/bin/perl as this program's executable: the case in which a look at the
# executable alone can't tell one script from another.

use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use Getopt::Long;
use LineServer;

my $port;
GetOptions('port=i' => \$port) && $port && !@ARGV or die "usage: echo.pl --port PORT\n";

my ($lines, $bytes) = (0, 0);

LineServer::run(
    port => $port,
    name => 'echo',
    line => sub {
        my ($text) = @_;
        $lines += 1;
        $bytes += length $text;
        return "$text\n";
    },
    hup => sub { LineServer::note('echo', "$lines lines, $bytes bytes so far") },
);
