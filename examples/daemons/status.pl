#!/usr/bin/perl
# A tiny HTTP server that answers every GET with what it knows about itself, as JSON.
#
#   status.pl --name web --index 0 --port-base 47110      (listens on 47110 + index)
#
# Two copies of it with different arguments are the two replicas of one service.

use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use Getopt::Long;
use LineServer;

my ($name, $index, $base);
GetOptions('name=s' => \$name, 'index=i' => \$index, 'port-base=i' => \$base)
    && defined $name && $name =~ /\A[-a-z0-9]+\z/ && defined $index && $base && !@ARGV
    or die "usage: status.pl --name NAME --index N --port-base PORT\n";

my $since    = time;
my $requests = 0;

sub page {
    $requests += 1;
    my $uptime = time - $since;
    return qq({"name":"$name","index":$index,"pid":$$,"uptimeSeconds":$uptime,"requests":$requests}\n);
}

sub reply {
    my ($status, $type, $body) = @_;
    return "HTTP/1.1 $status\r\nContent-Type: $type\r\nContent-Length: " . length($body)
        . "\r\nConnection: close\r\n\r\n$body";
}

LineServer::run(
    port => $base + $index,
    name => "$name-$index",
    # The first line is the request, an empty line ends its headers; then the answer, then the end.
    line => sub {
        my ($text, $client) = @_;
        $client->{request} = $text unless defined $client->{request};
        return '' if length $text;
        return (reply('200 OK', 'application/json', page()), 1) if $client->{request} =~ m{\AGET /};
        return (reply('405 Method Not Allowed', 'text/plain', "only GET\n"), 1);
    },
);
