#!/usr/bin/env perl
# A key-value store that speaks lines on the loopback address, and keeps its values in a journal file.
#
#   kv.pl --port 47102 --journal FILE
#
#   SET key value...   ->  ok
#   GET key            ->  = value...    or  none
#   DEL key            ->  ok            or  none
#   KEYS               ->  one key a line, then a dot
#   QUIT
#
# Started again, it reads the journal; SIGHUP rewrites it without what was overwritten. The `#!` line goes
# through env: the kernel first runs env, which then runs perl, so the script's name is left in argv only.

use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use Getopt::Long;
use IO::Handle;
use LineServer;

my ($port, $journal);
GetOptions('port=i' => \$port, 'journal=s' => \$journal) && $port && defined $journal && !@ARGV
    or die "usage: kv.pl --port PORT --journal FILE\n";

my %value;
my $out;

# A journal is a list of `key<tab>value`; a key alone was deleted. The last line may be cut short by a
# crash: without its end of line it doesn't count.
sub replay {
    open my $in, '<', $journal or return;
    while (my $line = <$in>) {
        last unless $line =~ s/\n\z//;
        my ($key, $text) = split /\t/, $line, 2;
        next unless defined $key;
        if (defined $text) { $value{$key} = $text } else { delete $value{$key} }
    }
    close $in;
    return;
}

# Writes only what is still true, beside the journal, and renames it: a reader sees the old one or the new.
sub rewrite {
    open my $new, '>', "$journal.new" or die "kv.pl: $journal.new: $!\n";
    print {$new} "$_\t$value{$_}\n" for sort keys %value;
    close $new or die "kv.pl: $journal.new: $!\n";
    rename "$journal.new", $journal or die "kv.pl: $journal: $!\n";
    open $out, '>>', $journal or die "kv.pl: $journal: $!\n";
    $out->autoflush(1);
    return;
}

sub set    { my ($key, $text) = @_; $value{$key} = $text; print {$out} "$key\t$text\n"; return "ok\n" }
sub get    { my ($key) = @_; return exists $value{$key} ? "= $value{$key}\n" : "none\n" }
sub remove {
    my ($key) = @_;
    return "none\n" unless defined delete $value{$key};
    print {$out} "$key\n";
    return "ok\n";
}

sub answer {
    my ($line) = @_;
    return set($1, $2)   if $line =~ /\ASET ([^\s]+) ([^\t]*)\z/;
    return get($1)       if $line =~ /\AGET ([^\s]+)\z/;
    return remove($1)    if $line =~ /\ADEL ([^\s]+)\z/;
    return join('', map { "$_\n" } sort keys %value) . ".\n" if $line eq 'KEYS';
    return ("bye\n", 1)  if $line eq 'QUIT';
    return "error: SET key value, GET key, DEL key, KEYS or QUIT\n";
}

replay();
rewrite();
LineServer::run(
    port => $port,
    name => 'kv',
    line => \&answer,
    hup  => sub { rewrite(); LineServer::note('kv', 'journal rewritten, ' . keys(%value) . ' keys') },
);
