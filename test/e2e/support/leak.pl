#!/usr/bin/perl
# Sends copies of what a pod sends to another node, in clear, in many dresses. Runs on a node until its input ends.
#   leak.pl DEVICE MODE SOURCE DESTINATION PORT
# DEVICE is the node's end of the pod's veth pair. MODE:
#   packet      the whole IP packet in a UDP datagram
#   text        the bytes of TCP in a UDP datagram
#   fragments   the same in IP fragments of 40 bytes
#   wireguard   the same behind the header of a WireGuard data message, as long as such a message must be
#   hex         the same, but in hexadecimal
#   stream      the bytes of TCP over a TCP connection of the node's own, 7 at a time
#   sink        takes such connections instead, and reads them to their ends
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use Socket qw(inet_aton sockaddr_in SOCK_RAW SOCK_DGRAM AF_INET IPPROTO_TCP TCP_NODELAY);

my ($device, $mode, $source, $destination, $port) = @ARGV;
use constant { AF_PACKET => 17, ETH_P_IP => 0x0800, SIOCGIFINDEX => 0x8933, PACKET_OUTGOING => 4, IPPROTO_RAW => 255 };
use constant MORE_FRAGMENTS => 0x2000;

$mode eq 'sink' ? sink() : leak();

sub sink {
  my $listener = IO::Socket::INET->new(Listen => 8, LocalAddr => $source, LocalPort => $port, ReuseAddr => 1)
    or die "listen: $!";
  ready();
  my $select = IO::Select->new($listener, \*STDIN);
  while (1) {
    for my $from ($select->can_read) {
      if ($from == $listener) { $select->add($listener->accept); next; }
      next if sysread $from, my $bytes, 65536;
      return if $from == \*STDIN;
      $select->remove($from);
      close $from;
    }
  }
}

sub leak {
  socket(my $tap, AF_PACKET, SOCK_DGRAM, unpack('S', pack('n', ETH_P_IP))) or die "socket: $!";
  my $request = pack('a16 x24', $device);
  ioctl($tap, SIOCGIFINDEX, $request) or die "$device: $!";
  bind($tap, pack('S n i S C C a8', AF_PACKET, ETH_P_IP, unpack('x16 i', $request), 0, 0, 0, '')) or die "bind: $!";
  socket(my $raw, AF_INET, SOCK_RAW, IPPROTO_RAW) or die "raw socket: $!";
  my $stream = $mode eq 'stream' ? connection() : undef;
  ready();
  my $select = IO::Select->new($tap, \*STDIN);
  while (1) {
    for my $from ($select->can_read) {
      if ($from == \*STDIN) { sysread(STDIN, my $bytes, 1) or return; next; }
      my $sender = recv($tap, my $packet, 65536, 0);
      next if (unpack 'S n i S C C', $sender)[4] == PACKET_OUTGOING;
      copy($raw, $stream, $packet);
    }
  }
}

sub copy {
  my ($raw, $stream, $packet) = @_;
  return send_ip($raw, datagram($packet)) if $mode eq 'packet';
  my $text = tcp_text($packet);
  return if length $text == 0;
  if ($mode eq 'text') { send_ip($raw, datagram($text)) }
  elsif ($mode eq 'fragments') { send_fragments($raw, datagram($text)) }
  elsif ($mode eq 'wireguard') { send_ip($raw, datagram(dressed($text))) }
  elsif ($mode eq 'hex') { send_ip($raw, datagram(dressed(unpack 'H*', $text))) }
  elsif ($mode eq 'stream') { while (length $text) { syswrite $stream, substr($text, 0, 7, '') } }
  else { die "there is no mode $mode" }
}

sub connection {
  my $stream = IO::Socket::INET->new(PeerAddr => $destination, PeerPort => $port) or die "connect: $!";
  setsockopt($stream, IPPROTO_TCP, TCP_NODELAY, 1) or die "TCP_NODELAY: $!";
  return $stream;
}

sub tcp_text {
  my ($packet) = @_;
  my ($version_length, $length, $protocol) = unpack 'C x n x5 C', $packet;
  return '' if $protocol != 6;
  my $header = ($version_length & 15) * 4;
  my $offset = (unpack 'C', substr($packet, $header + 12, 1)) >> 4;
  return substr($packet, $header + $offset * 4, $length - $header - $offset * 4);
}

my $counter = 0;

# Type 4, an index, a counter that counts; the text padded to 16 bytes, and as many again for a tag.
sub dressed {
  my ($text) = @_;
  my $padding = (16 - length($text) % 16) % 16 + 16;
  return pack('V V V V', 4, 0x5eed5eed, $counter++, 0) . $text . "\0" x $padding;
}

sub datagram { my ($text) = @_; return pack('n n n n', $port, $port, 8 + length $text, 0) . $text }

sub send_ip { my ($raw, $body) = @_; send_part($raw, $body, 0, 0) }

my $identification = 1;

sub send_fragments {
  my ($raw, $body) = @_;
  $identification += 1;
  for (my $at = 0; $at < length $body; $at += 40) {
    my $more = $at + 40 < length $body ? MORE_FRAGMENTS : 0;
    send_part($raw, substr($body, $at, 40), $identification, $more | $at / 8);
  }
}

sub send_part {
  my ($raw, $body, $id, $fragment) = @_;
  my $header = pack 'C C n n n C C n a4 a4', 0x45, 0, 20 + length $body, $id, $fragment, 64, 17, 0,
    inet_aton($source), inet_aton($destination);
  send($raw, $header . $body, 0, sockaddr_in(0, inet_aton($destination))) or die "send: $!";
}

sub ready { STDOUT->autoflush(1); print "ready\n" }
